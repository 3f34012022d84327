import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A hash of what Node loads of some projects: their compiled code, the source maps a debugger and stack traces go by, and their
 * `package.json`. Two that are equal behave alike.
 */
export function fingerprintOf(root: string, projects: readonly string[]): string {
  const hash = createHash('sha256');
  for (const project of projects) {
    for (const file of [join(root, project, 'package.json'), ...compiled(join(root, project, 'dist'))]) {
      if (existsSync(file)) hash.update(file).update(readFileSync(file));
    }
  }
  return hash.digest('hex');
}

function compiled(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return entry.name === 'spec' ? [] : compiled(path);
      return /\.js(\.map)?$/.test(entry.name) ? [path] : [];
    });
}
