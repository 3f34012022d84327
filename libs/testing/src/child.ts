import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface ChildOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** Where stdout and stderr go, appended. Without it they are dropped. */
  logFile?: string;
  /** Opens an IPC channel: the child can notice that we are gone, and be told things. */
  ipc?: boolean;
  /** How this program is asked to stop. */
  stopSignal?: NodeJS.Signals;
  /** Milliseconds between the request to stop and SIGKILL. */
  grace?: number;
  /** Stops it, as `stop` does, when aborted. */
  signal?: AbortSignal;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process we started. It never outlives us for long, not even when we are killed with SIGKILL. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  readonly alive: boolean;
  /** Settles once, when the process is gone. */
  readonly exited: Promise<Exit>;
  /** Asks it to stop, then forces it. Resolves when it is gone. */
  stop(options?: { signal?: NodeJS.Signals; grace?: number }): Promise<Exit>;
}

/**
 * Starts a program in a session of its own, so that a Ctrl-C in our terminal does not reach it before we decide in which
 * order things stop, with a watchdog that stops it when we die without a word.
 *
 * @throws the error of `spawn` (e.g. ENOENT) when the program cannot be started
 */
export async function startChild(name: string, command: string, args: readonly string[], options: ChildOptions = {}): Promise<Child> {
  const { logFile, ipc = false, stopSignal = 'SIGTERM', grace = 10_000, signal: abort, ...rest } = options;
  abort?.throwIfAborted();
  const log = logFile === undefined ? 'ignore' : openSync(logFile, 'a', 0o600);
  const child = spawn(command, args, { ...rest, detached: true, stdio: ['ignore', log, log, ...(ipc ? (['ipc'] as const) : [])] });
  if (typeof log === 'number') closeSync(log);

  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${name} could not be started: ${error.message}`, { cause: error })));
  });
  // A later 'error' only says that a signal or an IPC message could not be delivered: `exited` tells the rest.
  child.on('error', () => undefined);
  const pid = child.pid as number;
  const watchdog = startWatchdog(pid, stopSignal, grace);
  living.add(child);
  void exited.then(() => {
    living.delete(child);
    watchdog?.kill('SIGKILL');
  });

  const started: Child = {
    name,
    pid,
    process: child,
    exited,
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    async stop({ signal = stopSignal, grace: patience = grace } = {}) {
      child.kill(signal);
      const force = setTimeout(() => child.kill('SIGKILL'), patience);
      return exited.finally(() => clearTimeout(force));
    },
  };
  abort?.addEventListener('abort', () => void started.stop(), { once: true });
  return started;
}

const living = new Set<ChildProcess>();

/** Ends every child at once, without a chance to clean up: for someone who does not want to wait any longer. */
export function killChildren(): void {
  for (const child of living) child.kill('SIGKILL');
}

/**
 * Runs a program to its end.
 *
 * @throws an error with the end of its log when it fails
 */
export async function runChild(
  name: string,
  command: string,
  args: readonly string[],
  options: ChildOptions & { logFile: string },
): Promise<void> {
  const child = await startChild(name, command, args, options);
  const { code, signal } = await child.exited;
  options.signal?.throwIfAborted();
  if (code !== 0) throw new Error(`${name} failed (${signal ?? `exit ${code}`}):\n${logTail(options.logFile)}`);
}

/** The last lines a child wrote, for an error message. */
export function logTail(logFile: string, lines = 8): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

/**
 * A shell that reads from a pipe of which we hold the other end. We never write; when we die, however that happens, the kernel
 * closes the pipe, the read ends, and the shell stops the child. It polls nothing and looks for nothing by name.
 */
function startWatchdog(pid: number, stopSignal: NodeJS.Signals, grace: number): ChildProcess | undefined {
  if (process.platform === 'win32') return undefined;
  const script = `trap '' HUP INT TERM
read -r _
kill -s "$2" "$1" 2>/dev/null || exit 0
n=0
while kill -0 "$1" 2>/dev/null; do
  [ "$n" -ge "$3" ] && exec kill -s KILL "$1"
  n=$((n + 1)); sleep 1
done`;
  const seconds = String(Math.ceil(grace / 1000));
  const watchdog = spawn('sh', ['-c', script, 'watchdog', String(pid), stopSignal.replace(/^SIG/, ''), seconds], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.on('error', () => undefined);
  watchdog.stdin.on('error', () => undefined);
  watchdog.unref();
  // A pipe is a net.Socket underneath, which its type does not say.
  (watchdog.stdin as unknown as { unref(): void }).unref();
  return watchdog;
}
