import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { progress } from './progress.mjs';

/**
 * Runs `npm ci` when node_modules is missing or does not belong to the lock file. Whoever ran npm by hand is believed:
 * npm's own record of what it installed is then newer than the lock. Returns the seconds it took, undefined when not needed.
 */
export async function installIfNeeded(root, run) {
  const lock = join(root, 'package-lock.json');
  const stamp = join(root, 'node_modules', '.ballast-lock');
  const record = join(root, 'node_modules', '.package-lock.json');
  const hash = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(record)) {
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return undefined;
    if (statSync(record).mtimeMs >= statSync(lock).mtimeMs) return void writeFileSync(stamp, hash);
  }
  // The compiler and the test runner are needed whatever NODE_ENV says.
  const seconds = await progress('Installing npm packages (about 150 MB to download)', () =>
    run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']),
  );
  writeFileSync(stamp, hash);
  return seconds;
}
