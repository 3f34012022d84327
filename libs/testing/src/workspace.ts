import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace's root: the folder above this file that has an `nx.json`, whether this runs from `src` or from `dist`. */
export function workspaceRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'nx.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('The workspace root was not found: no folder above @ballast/testing has an nx.json');
    folder = parent;
  }
  return folder;
}
