import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dockerImageAvailable } from '@ballast/testing';

const run = promisify(execFile);

/** Runs in the folder it was found for; gives what it printed, and throws that when it fails. */
export type Program = (...args: string[]) => Promise<string>;

interface Wanted {
  name: string;
  /** Has it too. */
  image: string;
  /** What is tested by it, for the message when it is not there. */
  tests: string;
  install: string;
}

export const findPromtool = (folder: string): Promise<Program> =>
  findProgram(
    {
      name: 'promtool',
      image: 'prom/prometheus:v2.53.3',
      tests: 'The alerts are',
      install: '`apt-get install prometheus`, `brew install prometheus`, or the archive of Prometheus for your system.',
    },
    folder,
  );

export const findAmtool = (folder: string): Promise<Program> =>
  findProgram(
    {
      name: 'amtool',
      image: 'prom/alertmanager:v0.28.1',
      tests: 'Who is told of an alert is',
      install: '`apt-get install prometheus-alertmanager`, or the archive of Alertmanager for your system.',
    },
    folder,
  );

/** The one on the PATH, else the one in the image. Throws when there is neither: what nobody tried is not let pass. */
async function findProgram({ name, image, tests, install }: Wanted, folder: string): Promise<Program> {
  if (await answers(name)) return (...args) => output(run(name, args, { cwd: folder }));
  const docker = await dockerImageAvailable(image);
  const options = ['--rm', '--network=none', '-v', `${folder}:/files:ro`, '-w', '/files', `--entrypoint=${name}`];
  if (docker.available) return (...args) => output(run('docker', ['run', ...options, image, ...args]));
  throw new Error(`${tests} tested by ${name}, which is not on the PATH; ${docker.reason}. Start Docker, or install it: ${install}`);
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
