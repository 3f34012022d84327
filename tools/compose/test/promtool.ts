import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dockerImageAvailable } from '@ballast/testing';

const run = promisify(execFile);
const image = 'prom/prometheus:v2.53.3';

/** Runs promtool in the folder it was found for; gives what it printed, and throws that when it fails. */
export type Promtool = (...args: string[]) => Promise<string>;

/** The one on the PATH, else the one in Prometheus' image. Throws when there is neither: alerts that nobody tried are not let pass. */
export async function findPromtool(folder: string): Promise<Promtool> {
  if (await answers('promtool')) return (...args) => output(run('promtool', args, { cwd: folder }));
  const docker = await dockerImageAvailable(image);
  if (docker.available)
    return (...args) =>
      output(
        run('docker', [
          'run',
          '--rm',
          '--network=none',
          '-v',
          `${folder}:/rules:ro`,
          '-w',
          '/rules',
          '--entrypoint=promtool',
          image,
          ...args,
        ]),
      );
  throw new Error(
    `The alerts are tested by promtool, which is not on the PATH; ${docker.reason}. ` +
      'Start Docker, or install it: `apt-get install prometheus`, `brew install prometheus`, or the archive of Prometheus for your system.',
  );
}

async function answers(program: string): Promise<boolean> {
  return run(program, ['--version']).then(
    () => true,
    () => false,
  );
}

async function output(running: Promise<{ stdout: string; stderr: string }>): Promise<string> {
  try {
    const { stdout, stderr } = await running;
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${stdout ?? ''}${stderr ?? ''}` || message, { cause: error });
  }
}
