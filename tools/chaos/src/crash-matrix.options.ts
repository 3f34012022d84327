import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { ClusterError, messageOf, parseStart } from '@ballast/cluster';
import { namesOf, type Point, POINTS } from './crash-matrix.points.js';

export const HELP = `Usage: npm run chaos -- crash-matrix [options]

Starts a platform of its own, kills each service at each point where a crash hurts, under load, and reads the books afterwards.
Each seed takes a quarter of the points; every four seeds take all.

  --seeds N         how many, from --seed on; 20 by default
  --seed N          the first one, 1 by default
  --points A,B      only these, and all of them with each seed: relay.sent, order (all of a service), order/relay.sent,
                    order/saga.step.after[capture payment], inventory/inbox.applied=stop
  --at-once N       services that die at the same time, 2 by default; with more, a machine of two cores measures the queue for them
  --rate N          checkouts a second, 3 by default
  --port-offset N   added to every port, 22000 by default
  --slack N         services may take N times as long until they work again, 1 by default: where nobody knows how fast the machine is
  --without FILE    a module that every service loads first and that takes a safeguard away: the run has to end red
  --out FILE        of the report; "none" writes none. Without it, docs/drills/crash-matrix.md, and only by a run to its end of all points, 20 seeds
                    or more, nothing taken away, and --at-once, --rate and --slack as they are by default
  --help

Ends with 0 when nothing was lost, doubled, put in another order or otherwise wrong, every killed service worked again within 10 s, and every
point was reached, else with 1.`;

/** What is not asked for otherwise, and what the published page is of. */
export const USUAL = { seeds: 20, atOnce: 2, rate: 3, slack: 1 } as const;
/** Twenty seeds go through all points five times. */
const PARTS = 4;

export interface MatrixArguments {
  seeds: number[];
  points: Point[];
  parts: number;
  atOnce: number;
  rate: number;
  slack: number;
  portOffset: number;
  without?: string;
  /** Where the report was asked for. */
  out: string | undefined;
  /** Nothing was said of a report: it is the published page, if the run is one for it. */
  page: boolean;
}

/** @throws {ClusterError} for what cannot be understood */
export function parseMatrix(args: readonly string[]): MatrixArguments | 'help' {
  const text = { type: 'string' } as const;
  const names = {
    seeds: text,
    seed: text,
    points: text,
    rate: text,
    slack: text,
    'at-once': text,
    'port-offset': text,
    without: text,
    out: text,
  };
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: { ...names, help: { type: 'boolean' } } }));
  } catch (error) {
    throw new ClusterError(`${messageOf(error).split('. ')[0]}; see --help`, { cause: error });
  }
  if (values.help) return 'help';
  const whole = (name: 'seeds' | 'seed' | 'at-once', fallback: number, least: number): number => {
    const value = Number(values[name] ?? fallback);
    if (!Number.isInteger(value) || value < least)
      throw new ClusterError(`--${name} must be a whole number from ${least}, not "${values[name]}"`);
    return value;
  };
  const { rate, slack, without } = values;
  const out = values.out === 'none' ? undefined : values.out;
  if (rate !== undefined && !(Number(rate) > 0)) throw new ClusterError(`--rate must be a number above 0, not "${rate}"`);
  if (slack !== undefined && !(Number(slack) >= 1)) throw new ClusterError(`--slack must be a number from 1, not "${slack}"`);
  // Else it would be told after all the services were started, or after the whole run.
  if (without !== undefined && !isThere(without, 'file')) throw new ClusterError(`--without: there is no file ${without}`);
  if (out !== undefined) writable(out);
  const first = whole('seed', 1, 0);
  return {
    ...{
      rate: Number(rate ?? USUAL.rate),
      slack: Number(slack ?? USUAL.slack),
      points: chosen(values.points),
      parts: values.points === undefined ? PARTS : 1,
      portOffset: portOffset(values['port-offset'] ?? '22000'),
      atOnce: whole('at-once', USUAL.atOnce, 1),
      ...{ out, page: values.out === undefined },
    },
    seeds: Array.from({ length: whole('seeds', USUAL.seeds, 1) }, (_, n) => first + n),
    ...(without !== undefined && { without }),
  };
}

/** What `npm start` allows: it is one platform of the same ports. */
const portOffset = (text: string): number => parseStart([`--port-offset=${text}`], {}).options.portOffset!;

function isThere(path: string, kind: 'file' | 'directory'): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return (kind === 'file' ? found?.isFile() : found?.isDirectory()) ?? false;
}

function writable(out: string): void {
  if (!out || isThere(out, 'directory')) throw new ClusterError(`--out must be a file, not "${out}"`);
  if (!isThere(dirname(out), 'directory')) throw new ClusterError(`--out: there is no directory ${dirname(out)}`);
}

function chosen(text: string | undefined): Point[] {
  if (text === undefined) return [...POINTS];
  const wanted = text.split(',');
  const unknown = wanted.find((name) => !POINTS.some((point) => namesOf(point).includes(name)));
  if (unknown !== undefined)
    throw new ClusterError(
      `there is no point "${unknown}": one of ${[...new Set(POINTS.flatMap(({ service, name }) => [service, name]))].join(', ')}`,
    );
  return POINTS.filter((point) => namesOf(point).some((name) => wanted.includes(name)));
}
