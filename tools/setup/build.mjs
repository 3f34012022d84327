import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { progress } from './progress.mjs';

/**
 * Compiles libs, apps and tools when a source file changed since the last time. TypeScript's native compiler does it: the
 * same JavaScript as `typescript`, about ten times sooner (see docs/adr/0002). Returns the seconds it took.
 */
export async function buildIfNeeded(root, run, { force = false } = {}) {
  const stamp = join(root, '.ballast', 'build.stamp');
  const fingerprint = fingerprintOf(root);
  if (!force && isBuilt(root) && existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return undefined;
  const tsc = join(root, 'node_modules', 'typescript-native', 'bin', 'tsc');
  const seconds = await progress('Compiling libs, apps and tools', () =>
    run(process.execPath, [tsc, '-b', '--stopBuildOnErrors', 'tsconfig.build.json']),
  );
  mkdirSync(join(root, '.ballast'), { recursive: true });
  writeFileSync(stamp, fingerprint);
  return seconds;
}

/** Path, size and time of every file the compiler reads. */
function fingerprintOf(root) {
  const hash = createHash('sha256');
  const shared = ['tsconfig.base.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => join(root, name));
  for (const file of [...shared, ...projects(root).flatMap(sources)])
    hash.update(`${file} ${statSync(file).size} ${statSync(file).mtimeMs}`);
  return hash.digest('hex');
}

const isBuilt = (root) => projects(root).every((project) => existsSync(join(project, 'dist', 'tsconfig.lib.tsbuildinfo')));

function projects(root) {
  const all = ['libs', 'apps', 'tools'].flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)));
  return all.filter((project) => existsSync(join(project, 'tsconfig.lib.json'))).sort();
}

function sources(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return ['dist', 'node_modules', 'test'].includes(entry.name) ? [] : sources(path);
    return /(?<!\.spec)\.(ts|json)$/.test(entry.name) ? [path] : [];
  });
}
