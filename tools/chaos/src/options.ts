import { parseArgs } from 'node:util';
import { ClusterError, messageOf } from '@ballast/cluster';
import { type Duration, duration } from '@ballast/resilience';

export const HELP = `Usage: npm run chaos -- NAME [options]
       npm run chaos -- --list
       npm run chaos -- crash-matrix --help   (needs no cluster and no Docker)

Takes a part of the cluster away, which docker compose --profile ha up has started, under load, and brings it back.

  --trials N              how often, else as the experiment says
  --rate N                checkouts a second, else as the experiment says
  --hold TIME             instead of the experiment's longest wait: 5m
  --slack N               times may be N times as long: where nobody knows how fast the machine is, and what is lost or doubled counts
  --without-safeguard     takes away what the experiment relies on: then it has to end red
  --without NAME          the same, for an experiment with several of them
  --project NAME          of docker compose, ballast by default
  --out DIRECTORY         of the report and its data, docs/drills by default
  --list                  every experiment, its goals and its safeguards
  --rollback              only brings back what an earlier run left
  --help

Ends with 0 when every goal was met (or missed, without the safeguard), else with 1. Ctrl-C brings everything back first.`;

export interface Options {
  name?: string;
  help: boolean;
  list: boolean;
  rollback: boolean;
  trials?: number;
  rate?: number;
  hold?: number;
  slack?: number;
  /** true: the first one. */
  without?: string | true;
  project: string;
  out?: string;
}

/** @throws {ClusterError} for what cannot be understood */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const { help = false, list = false, rollback = false, project = 'ballast', trials, rate, hold, slack, without, out } = values;
  const [name, ...more] = positionals;
  if (more.length) throw new ClusterError(`one experiment at a time, not also ${more.join(', ')}`);
  if (!name && !help && !list && !rollback) throw new ClusterError('which experiment? npm run chaos -- --list');
  if (trials !== undefined && !(Number.isInteger(Number(trials)) && Number(trials) > 0))
    throw new ClusterError(`--trials must be a whole number from 1, not "${trials}"`);
  if (rate !== undefined && !(Number(rate) > 0)) throw new ClusterError(`--rate must be a number above 0, not "${rate}"`);
  if (slack !== undefined && !(Number(slack) >= 1)) throw new ClusterError(`--slack must be a number from 1, not "${slack}"`);
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(project)) throw new ClusterError(`--project must be a name as compose takes it, not "${project}"`);
  const off = without ?? (values['without-safeguard'] ? true : undefined);
  return {
    ...{ help, list, rollback, project },
    ...(name !== undefined && { name }),
    ...(trials !== undefined && { trials: Number(trials) }),
    ...(rate !== undefined && { rate: Number(rate) }),
    ...(hold !== undefined && { hold: time(hold) }),
    ...(slack !== undefined && { slack: Number(slack) }),
    ...(off !== undefined && { without: off }),
    ...(out !== undefined && { out }),
  };
}

function time(text: string): number {
  try {
    return duration(text as Duration);
  } catch {
    throw new ClusterError(`--hold must be a time such as 90s or 5m, not "${text}"`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...{
          trials: { type: 'string' },
          rate: { type: 'string' },
          hold: { type: 'string' },
          slack: { type: 'string' },
          without: { type: 'string' },
          'without-safeguard': { type: 'boolean' },
        },
        ...{ project: { type: 'string' }, out: { type: 'string' } },
        ...{ list: { type: 'boolean' }, rollback: { type: 'boolean' }, help: { type: 'boolean' } },
      },
    });
  } catch (error) {
    throw new ClusterError(`${messageOf(error).split('. ')[0]}; see --help`, { cause: error });
  }
}
