import { execFile } from 'node:child_process';
import { ClusterError } from '@ballast/cluster';

export interface DockerOptions {
  /** Milliseconds, 30 s by default: nothing here may hang because what it asks does. */
  timeout?: number;
  input?: string;
}

/** The `docker` command: everything this tool does to the cluster goes through it. Gives what it printed; throws with what it said. */
export type Docker = (args: readonly string[], options?: DockerOptions) => Promise<string>;

export const docker: Docker = (args, { timeout = 30_000, input } = {}) =>
  new Promise((resolve, reject) => {
    const child = execFile('docker', [...args], { timeout, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 * 1024 }, (error, out, said) => {
      if (!error) return resolve(out);
      const why = error.killed ? `no answer within ${timeout / 1000} s` : said.trim() || error.message;
      reject(new ClusterError(`docker ${args.slice(0, 3).join(' ')}: ${why}`, { cause: error }));
    });
    child.stdin?.on('error', () => undefined).end(input);
  });
