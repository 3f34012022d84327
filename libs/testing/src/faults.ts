import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

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

/**
 * The same for a process and all it has started: a server of many processes, as Postgres is, goes on working when only the first of
 * them is stopped.
 *
 * @returns the function that lets them go on; what has ended meanwhile is passed over
 */
export function pauseFamily(pid: number): () => void {
  const stopped: number[] = [];
  const stop = (member: number): void => {
    if (stopped.includes(member) || !signal(member, 'SIGSTOP')) return;
    stopped.push(member);
    // Asked for only now: from here on it starts no more.
    for (const child of childrenOf(member)) stop(child);
  };
  stop(pid);
  return () => stopped.toReversed().forEach((member) => signal(member, 'SIGCONT'));
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function childrenOf(parent: number): number[] {
  if (process.platform !== 'linux') {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
    return lines.map((line) => line.trim().split(/\s+/).map(Number)).flatMap(([pid, ppid]) => (ppid === parent ? [pid!] : []));
  }
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        // The name in brackets may hold anything; the parent is the second field after it.
        return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]) === parent;
      } catch {
        return false; // it just ended
      }
    });
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
