import { join, relative, sep } from 'node:path';
import { watch } from 'chokidar';
import { isSource } from './sources.js';

export interface Watcher {
  close(): Promise<void>;
}

/** So long nothing may change before a burst counts as over, ms; but no burst is waited for longer than `longest`. */
const quiet = 80;
const longest = 1_000;

/**
 * Tells of changed, new and deleted sources in bursts: an editor's save is several events, a branch switch hundreds.
 * Resolves when it sees all from then on.
 *
 * @param onChange gets paths from the root, with `/`
 */
export async function watchSources(root: string, onChange: (files: string[]) => void): Promise<Watcher> {
  const fromRoot = (path: string) => relative(root, path).split(sep).join('/');
  const burst = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let began = 0;
  const flush = () => {
    timer = undefined;
    const files = [...burst];
    burst.clear();
    onChange(files);
  };
  const watched = ['apps', 'libs', 'package-lock.json', 'tsconfig.base.json', 'tsconfig.build.json'].map((name) => join(root, name));
  const watcher = watch(watched, {
    ignoreInitial: true,
    ignored: (path, stats) => !isSource(fromRoot(path), stats ? stats.isDirectory() : undefined),
  });
  watcher.on('all', (event, path) => {
    if (event === 'addDir' || event === 'unlinkDir') return;
    if (burst.size === 0) began = Date.now();
    burst.add(fromRoot(path));
    clearTimeout(timer);
    timer = setTimeout(flush, Math.max(0, Math.min(quiet, began + longest - Date.now())));
  });
  await new Promise<void>((resolve, reject) => watcher.once('ready', resolve).once('error', reject));
  return {
    async close() {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}
