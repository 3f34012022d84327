import { parseArgs } from 'node:util';
import { ClusterError, messageOf } from '@ballast/cluster';

export const help = `Usage: npm run restore-drill [-- GATEWAY]

Restores a point of the running cluster's log beside it (profile ha), while orders are placed, and compares what every table held.

  GATEWAY   where orders are placed, http://127.0.0.1:8080 by default; with GATEWAY_PORT, at that port
  --help

Ends with 1 when that cannot be shown.`;

type Env = Readonly<Record<string, string | undefined>>;

/** @throws {ClusterError} for what cannot be understood */
export function parseRestoreDrill(args: readonly string[], env: Env): { help: true } | { help: false; gateway: string } {
  const { values, positionals } = parse(args);
  if (values.help) return { help: true };
  const [gateway = `http://127.0.0.1:${portOf(env)}`, ...more] = positionals;
  if (more.length) throw new ClusterError(`one gateway, not also ${more.join(', ')}; see --help`);
  return { help: false, gateway: urlOf(gateway) };
}

/** As compose publishes it: one that is set and empty counts for nothing there either. */
function portOf({ GATEWAY_PORT: port }: Env): number {
  const number = Number(port || 8080);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new ClusterError(`GATEWAY_PORT must be a port, not "${port}"`);
  return number;
}

/** Without the slash at its end: paths are put behind it. */
function urlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash)
    throw new ClusterError(`the gateway must be an address such as http://127.0.0.1:8080, not "${text}"`);
  return url.href.replace(/\/+$/, '');
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { help: { type: 'boolean' } } });
  } catch (error) {
    throw new ClusterError(`${messageOf(error).split('. ')[0]}; see --help`, { cause: error });
  }
}
