import { readFileSync } from 'node:fs';

/** A crash: the process gets no chance to clean up. */
export function killProcess(pid: number): void {
  process.kill(pid, 'SIGKILL');
}

/**
 * Stops a process without ending it, as a long garbage collection or a frozen virtual machine would.
 *
 * @returns the function that lets it go on
 */
export function pauseProcess(pid: number): () => void {
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGCONT');
}

/** Whether a process exists and has not ended: one that nobody has reaped yet does not count. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
