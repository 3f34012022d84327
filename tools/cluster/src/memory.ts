import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * Proportional set size of a process and all its descendants, in bytes: shared pages are counted once, divided among those
 * who share them (summed RSS would count Postgres' shared buffers once per connection). Undefined where there is no /proc.
 *
 * @param kind `Pss`: all of it; `Pss_Shmem`: shared memory alone, such as those buffers, which are as large as they were set, but count only as used
 */
export function memoryOf(root: number, kind: 'Pss' | 'Pss_Shmem' = 'Pss'): number | undefined {
  try {
    return [...family(root)].reduce((sum, pid) => sum + pssOf(pid, kind), 0);
  } catch {
    return undefined;
  }
}

function family(root: number): Set<number> {
  const parents = new Map(
    readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map((pid) => [Number(pid), parentOf(pid)]),
  );
  const members = new Set([root]);
  for (let size = 0; size !== members.size;) {
    size = members.size;
    for (const [pid, parent] of parents) if (parent !== undefined && members.has(parent)) members.add(pid);
  }
  return members;
}

function parentOf(pid: string): number | undefined {
  try {
    // The name in brackets may hold anything; the parent is the second field after it.
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

/** Of one process alone. Throws where there is no /proc. */
export function pssOf(pid: number, kind: 'Pss' | 'Pss_Shmem' = 'Pss'): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(new RegExp(`^${kind}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || (code === 'ENOENT' && !existsSync(`/proc/${pid}`))) return 0; // it just ended
    throw error;
  }
}
