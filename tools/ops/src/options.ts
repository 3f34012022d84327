import { parseArgs } from 'node:util';
import { ClusterError, messageOf } from '@ballast/cluster';
import type { Whereabouts } from './platform.js';

type Env = Readonly<Record<string, string | undefined>>;

const common = `  --service NAME     only this service
  --json             for programs
  --home DIRECTORY   of a platform that keeps its data elsewhere than in .ballast
  --url NAME=URL     where a service is, again for each, auth among them: instead of the platform of npm start
  --jaeger URL       the web page of a Jaeger, for links (also JAEGER_URL)
  --help

The operator's account is that of .ballast/credentials.json, or BALLAST_OPERATOR_EMAIL and BALLAST_OPERATOR_PASSWORD.
Ends with 1 when something failed.`;

export const dlqHelp = `Usage: npm run dlq -- COMMAND [options]

  Messages that could not be handled. An event waits together with all later ones of its key; a command was answered with a failure.

  list [--topic T] [--all]       those nobody has dealt with; --all: the others, too, for 30 days
  show ID                        one of them, with headers, payload and traces
  replay ID…                     handles it again, then those behind it, in the order of their key
  replay --topic T               all open letters of a topic
  discard ID… [--reason TEXT]    gives it up for good; those behind it are replayed

  ID names the service, such as payment-17. A replay may be repeated: what has had its effect is left alone.

${common}`;

export const opsHelp = `Usage: npm run ops -- COMMAND [options]

  sagas [--state S]              sagas under way, the longest first; S: STUCK, RUNNING, COMPENSATING, COMPLETED, COMPENSATED, ABANDONED
  saga ID                        one of them, with its timeline
  resume ID                      a STUCK one goes on from where it stands, with all its tries again
  abandon ID --reason TEXT       a STUCK one ends where it stands; nothing it did is taken back
  outbox                         messages that wait to be sent, by lane, and those the broker refuses
  outbox retry ID                has a refused message sent again, before those behind it
  outbox discard ID [--reason T] gives it up: it will never be sent; those behind it go
  outbox lanes SERVICE N         its messages leave in N lanes, each of them with one relay; 1 at first, 64 at most
  lag                            messages that wait to be read
  audit [--limit N]              what operators changed, or tried to; the latest first
  The dead letters are npm run dlq.

  ID of a saga: the order's id, or order-ID. ID of a message: such as payment-17.

${common}`;

export interface Options extends Whereabouts {
  help: boolean;
  json: boolean;
  all: boolean;
  topic?: string;
  state?: string;
  reason?: string;
  limit?: number;
  /** The command and what it is for: `replay payment-17`. */
  words: string[];
}

/** @throws {ClusterError} for an option that cannot be understood */
export function parseOptions(args: readonly string[], env: Env): Options {
  const { values, positionals } = parse(args);
  const { help = false, json = false, all = false, topic, state, reason, limit, service, home, url = [], jaeger } = values;
  const email = env['BALLAST_OPERATOR_EMAIL'];
  const password = env['BALLAST_OPERATOR_PASSWORD'];
  if (!email !== !password)
    throw new ClusterError('BALLAST_OPERATOR_EMAIL and BALLAST_OPERATOR_PASSWORD belong together: set both or none');
  if (limit !== undefined && !/^[1-9]\d{0,3}$/.test(limit))
    throw new ClusterError(`--limit must be a number from 1 to 9999, not "${limit}"`);
  const link = jaeger ?? env['JAEGER_URL'];
  const urls = url.length > 0 ? url : (env['BALLAST_SERVICES']?.split(',') ?? []);
  const accountsFile = env['BALLAST_ACCOUNTS_FILE'];
  return {
    ...{ help, json, all, words: positionals },
    ...(topic !== undefined && { topic }),
    ...(state !== undefined && { state: state.toUpperCase() }),
    ...(reason !== undefined && { reason }),
    ...(limit !== undefined && { limit: Number(limit) }),
    ...(service !== undefined && { service }),
    ...(home !== undefined && { home }),
    ...(urls.length > 0 && { urls: Object.fromEntries(urls.map(parseUrl)) }),
    ...(link && { jaeger: link }),
    ...(email && password && { account: { email, password } }),
    ...(accountsFile && { accountsFile }),
  };
}

function parseUrl(text: string): [string, string] {
  const [, name, url] = /^([a-z][a-z0-9-]*)=(https?:\/\/[^\s/]+)\/?$/.exec(text) ?? [];
  if (!name || !url) throw new ClusterError(`--url must be like order=http://127.0.0.1:3004, not "${text}"`);
  return [name, url];
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        all: { type: 'boolean' },
        topic: { type: 'string' },
        state: { type: 'string' },
        reason: { type: 'string' },
        limit: { type: 'string' },
        service: { type: 'string' },
        url: { type: 'string', multiple: true },
        jaeger: { type: 'string' },
        json: { type: 'boolean' },
        home: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new ClusterError(`${messageOf(error).split('. ')[0]}; see --help`, { cause: error });
  }
}
