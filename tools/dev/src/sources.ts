/** What compilers and package managers make, and what only tests read. */
const ignoredFolders = new Set(['dist', 'node_modules', 'test', 'coverage']);

/** Whether a change there may change what runs. `directory` is undefined when that is not known. */
export function isSource(path: string, directory: boolean | undefined): boolean {
  const names = path.split('/');
  if (names.some((name) => ignoredFolders.has(name) || (name.startsWith('.') && name.length > 1))) return false;
  if (directory !== false && !/\.\w+$/.test(path)) return true;
  return /\.(ts|json)$/.test(path) && !/\.spec\.ts$|(^|\/)tsconfig\.spec\.json$/.test(path);
}
