import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ClusterError } from '@ballast/cluster';
import { isRunning } from '@ballast/testing';

/** A process, and when the kernel started it: a process id alone may be another's by now. */
interface Owner {
  pid: number;
  startedAt?: string;
}

/**
 * Takes a lock for this process; one that a process left which has ended counts for nothing.
 *
 * @returns what gives it back
 * @throws {ClusterError} while another run has it
 */
export function lock(file: string): () => void {
  mkdirSync(dirname(file), { recursive: true });
  while (!create(file)) {
    const owner = read(file);
    if (owner && isRunning(owner.pid) && startOf(owner.pid) === owner.startedAt)
      throw new ClusterError(
        `another run on this project is under way (pid ${owner.pid}), and only one may be at a time: wait for its end, or stop it with Ctrl-C or SIGTERM`,
      );
    rmSync(file, { force: true });
  }
  return () => rmSync(file, { force: true });
}

function create(file: string): boolean {
  try {
    const owner: Owner = { pid: process.pid, startedAt: startOf(process.pid) };
    writeFileSync(file, JSON.stringify(owner), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

/** In ticks since the machine was started; undefined where the kernel does not say. A program's name may have spaces and brackets in it. */
function startOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
  } catch {
    return undefined;
  }
}
