import { setTimeout as sleep } from 'node:timers/promises';
import { accessOf } from './access.js';
import { CannotReconcileError } from './errors.js';
import { Library } from './library.js';
import { Operator } from './operator.js';
import { help, parseOptions, type Options } from './options.js';
import { Register } from './register.js';
import { report } from './report.js';
import { type Outcome, run } from './run.js';

const DAY = 86_400_000;
/** Of the time between the beginnings of two runs, what is left to the services however long a run takes. */
const REST = 0.25;

/** The command, whole. Returns the exit code: 0 the books agree, 1 they do not, 2 it could not be found out. */
export async function reconcile(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options.help) {
      console.log(help);
      return 0;
    }
    return options.watch ? await watch(options) : print(await once(options), options);
  } catch (error) {
    if (!(error instanceof CannotReconcileError)) throw error;
    console.error(`ballast: ${error.message}`);
    return 2;
  }
}

async function once(options: Options): Promise<Outcome> {
  const tools = await open(options);
  return run(tools, settingsOf(options, options.full));
}

/** Goes on through outages, until it is told to stop; a run that is under way is finished first. */
async function watch(options: Options): Promise<number> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  let tools: Awaited<ReturnType<typeof open>> | undefined;
  let fullAt = 0;
  let code = 0;
  while (!stopping.signal.aborted) {
    const next = Date.now() + options.every;
    try {
      tools ??= await open(options);
      const full = Date.now() - fullAt >= DAY;
      const outcome = await run(tools, { ...settingsOf(options, full), stopping: stopping.signal });
      if (full) fullAt = Date.now();
      code = print(outcome, options);
    } catch (error) {
      if (!(error instanceof CannotReconcileError)) throw error;
      console.error(`ballast: ${error.message}; it is tried again`);
      code = 2;
    }
    await sleep(Math.max(next - Date.now(), options.every * REST), undefined, { signal: stopping.signal }).catch(() => undefined);
  }
  return code;
}

async function open(options: Options) {
  const operator = await Operator.signIn(accessOf(options));
  return { operator, library: new Library(operator), register: new Register(operator) };
}

const settingsOf = ({ since, grace, messages, repair, dryRun }: Options, full: boolean) => ({
  scope: full ? ('full' as const) : ('changed' as const),
  ...(since && !full && { since }),
  ...{ grace, messages, repair, dryRun },
});

function print(outcome: Outcome, { json, repair, dryRun }: Options): number {
  console.log(json ? JSON.stringify(outcome) : report(outcome, { repair: repair && !dryRun }));
  return outcome.differences.length > 0 ? 1 : 0;
}
