import { ClusterError, messageOf } from '@ballast/cluster';
import { parseArgs } from 'node:util';

export const BENCHES = ['outbox', 'consume', 'saga'] as const;
export type BenchName = (typeof BENCHES)[number];

export const HELP = `Usage: npm run bench -- outbox | consume | saga | all [options]

Measures what the platform's guarantees cost: each figure beside what it is held against, both in turns in one run.

  outbox             the relay drains a backlog, transactions write an outbox row; against kafkajs and plain transactions
  consume            the inbox handles a backlog, and a message's way from commit to handler; against kafkajs
  saga               whole checkouts; against their bare chain on pg and kafkajs, and a workflow of DBOS
  all                these three

  --quick            fewer rounds and rows: shows that all works, is no figure to publish, and writes no documents
  --rounds N         turns of each side that count, 7 by default (3 with --quick); fewer than 7 are not published, so they need --out
  --out DIRECTORY    where the documents go, docs/benchmarks by default
  --help

It starts its own Postgres, and its own Kafka where KAFKA_BROKERS names none, in a temporary directory, and takes them away again; Ctrl-C too.
Nothing else should run on the machine meanwhile. Ends with 1 when a message or an order was lost, however fast it was.`;

export interface Options {
  help: boolean;
  benches: readonly BenchName[];
  quick: boolean;
  rounds: number;
  out?: string;
}

/** Rounds that a figure in docs/benchmarks has at least. */
const PUBLISHED = 7;

/** @throws {ClusterError} for what cannot be understood */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const [name, ...more] = positionals;
  const { help = false, quick = false, out } = values;
  if (more.length) throw new ClusterError(`one benchmark at a time, or all; not also ${more.join(', ')}`);
  const known: readonly string[] = [...BENCHES, 'all'];
  if (!help && (name === undefined || !known.includes(name)))
    throw new ClusterError(
      `${name === undefined ? 'which benchmark' : `there is no benchmark "${name}"`}? One of ${known.join(', ')}; see --help`,
    );
  const rounds = values.rounds === undefined ? (quick ? 3 : PUBLISHED) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    throw new ClusterError(`--rounds must be a whole number from 1 to 100, not "${values.rounds ?? ''}"`);
  if (!quick && rounds < PUBLISHED && out === undefined)
    throw new ClusterError(`docs/benchmarks has figures of at least ${PUBLISHED} rounds: with ${rounds}, say --out DIRECTORY`);
  if (quick && out !== undefined) throw new ClusterError('--quick gives no figure to publish, so it takes no --out');
  const benches = name === 'all' ? BENCHES : name === undefined ? [] : [name as BenchName];
  return { help, benches, quick, rounds, ...(out !== undefined && { out }) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      ...{ args: [...args], allowPositionals: true },
      options: { quick: { type: 'boolean' }, rounds: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean' } },
    });
  } catch (error) {
    throw new ClusterError(`${messageOf(error).split('. ')[0]}; see --help`, { cause: error });
  }
}
