import { memoryOf, pssOf } from '@ballast/cluster';

/** PSS of one process in bytes, or of it and all it started; undefined where there is no /proc, or no such process. */
export function memory(pid: number, { family = false } = {}): number | undefined {
  try {
    return (family ? memoryOf(pid) : pssOf(pid)) || undefined;
  } catch {
    return undefined;
  }
}
