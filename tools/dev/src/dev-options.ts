import { ClusterError } from '@ballast/cluster';

export const devHelp = `Usage: npm run dev [-- options]

  The platform of npm start, with reload on save and an inspector per service (its port + 10000).

  --logs NAMES       shows the logs of these services as they come, such as cart,order; all for every one
  --fresh            begin with nothing: drops data, logs, passwords and keys of earlier runs
  --port-offset N    add N to every port, to run beside something else
  --home DIRECTORY   keep data elsewhere than in .ballast
  --help`;

/** Takes `--logs` out of the arguments; the others are those of `npm start`. @throws {ClusterError} when it has no value */
export function takeLogs(args: readonly string[]): { logs: string[]; rest: string[] } {
  const at = args.findIndex((arg) => arg === '--logs' || arg.startsWith('--logs='));
  if (at < 0) return { logs: [], rest: [...args] };
  const separate = args[at] === '--logs';
  const value = separate ? args[at + 1] : args[at]!.slice('--logs='.length);
  if (!value || value.startsWith('--')) throw new ClusterError('--logs needs names, such as --logs cart,order; see --help');
  const logs = value.split(',').filter(Boolean);
  return { logs, rest: args.filter((_, index) => index !== at && !(separate && index === at + 1)) };
}
