import { parseArgs } from 'node:util';
import { mutationNames } from './mutations.js';
import { faultKinds, type FaultKind } from './weather.js';

export const HELP = `Usage: npm run simulate -- [options]

Runs checkouts through the services' own code in simulated time, with faults, and compares the books after each seed.

  --seeds N         how many runs, 100 by default
  --from N          the first seed, 1 by default
  --seed N          this one alone, with its timeline
  --orders N        checkouts in each run, 100 by default
  --faults LIST     only these, with commas between; "none" for none
                    ${faultKinds.join(', ').replace('cut-psp, ', 'cut-psp,\n                    ').replace('deadlocks, ', 'deadlocks,\n                    ').replace('psp-calls-late, ', 'psp-calls-late,\n                    ')}
  --mutate NAME     takes one safeguard away: a seed has to find it
  --list-mutations  the safeguards that can be taken away, and what finds it
  --workers N       threads, by default as many as there are cores
  --help

Ends with 0 when every promise was kept in every run, else with 1 and the smallest case that still breaks it. The same seed with the
same options goes the same way every time, to the byte.`;

export interface Options {
  help: boolean;
  listMutations: boolean;
  from: number;
  seeds: number;
  /** Replay this one. */
  seed?: number;
  orders: number;
  faults: readonly FaultKind[];
  mutate?: string;
  workers?: number;
}

/** The command line is not understood. */
export class OptionError extends Error {}

/** @throws {OptionError} for what cannot be understood */
export function parseOptions(args: readonly string[]): Options {
  const { help = false, 'list-mutations': listMutations = false, mutate, faults, ...numbers } = parse(args);
  const { seed, seeds, from, orders, workers } = numbers;
  if (seed !== undefined && (seeds !== undefined || from !== undefined))
    throw new OptionError('--seed replays one run: it does not go with --seeds or --from');
  if (mutate !== undefined && !mutationNames.includes(mutate))
    throw new OptionError(`there is no mutation "${mutate}": npm run simulate -- --list-mutations`);
  return {
    help,
    listMutations,
    from: whole('from', from, 0) ?? 1,
    seeds: whole('seeds', seeds, 1) ?? 100,
    orders: whole('orders', orders, 1) ?? 100,
    faults: kindsOf(faults),
    ...optional('seed', whole('seed', seed, 0)),
    ...optional('workers', whole('workers', workers, 1)),
    ...optional('mutate', mutate),
  };
}

/** The command line that runs this seed alone, and as it was. */
export function argumentsOf({ orders, mutate, faults }: Options, seed: number): string {
  // As they are, not as they were written. In another order they are drawn otherwise, so only the default itself may be left out.
  const given = faults.join() === faultKinds.join() ? [] : [`--faults ${faults.join() || 'none'}`];
  return [`--seed ${seed}`, `--orders ${orders}`, ...(mutate ? [`--mutate ${mutate}`] : []), ...given].join(' ');
}

function parse(args: readonly string[]) {
  try {
    const text = { type: 'string' } as const;
    const flag = { type: 'boolean' } as const;
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...{ seeds: text, from: text, seed: text, orders: text, faults: text, mutate: text, workers: text },
        ...{ 'list-mutations': flag, help: flag },
      },
    });
    return values;
  } catch (error) {
    throw new OptionError(`${(error as Error).message.split('. ')[0]}; npm run simulate -- --help`);
  }
}

const LARGEST = 2 ** 31 - 1;

function whole(name: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > LARGEST)
    throw new OptionError(`--${name} must be a whole number from ${least} to ${LARGEST}, not "${value}"`);
  return number;
}

function kindsOf(list: string | undefined): readonly FaultKind[] {
  if (list === undefined) return faultKinds;
  if (list === 'none') return [];
  return list.split(',').map((name) => {
    const kind = faultKinds.find((each) => each === name.trim());
    if (!kind) throw new OptionError(`there is no fault "${name.trim()}": one of ${faultKinds.join(', ')}, or none`);
    return kind;
  });
}

const optional = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
