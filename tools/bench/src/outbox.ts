import type { Database } from '@ballast/database';
import { Messaging, OutboxOperations, setLanes } from '@ballast/messaging';
import type { Message } from 'kafkajs';
import { delivered } from './delivered.js';
import { type Curve, type Measure, median, type Result } from './figures.js';
import { closedLoop, every, until } from './load.js';
import { changed, commitBacklog, NOTE } from './messages.js';
import { Replicas } from './replicas.js';
import { compared, inTurns, type Scale, warmUp, warmUps } from './rounds.js';
import { startBenchService } from './service.js';
import type { Stage } from './stage.js';

/** What a good engineer sends at once with kafkajs: larger requests are no faster. */
const RAW_BATCH = 1_000;
const POOL = 20;

/** The sending side: how fast a backlog leaves, and what an outbox row costs a transaction. */
export async function outboxBench(stage: Stage, scale: Scale): Promise<Omit<Result, 'seconds'>> {
  const rows = scale.quick ? 5_000 : 200_000;
  const store = await stage.store('bench_outbox');
  const service = await startBenchService(stage, { name: 'bench', store, definitions: [changed], poolSize: POOL });
  /** Rows committed: each has to be in the topic in the end. */
  let added = 0;
  const counted = (sender: Sender): Sender => ({
    ...{ database: sender.database, sent: () => sender.sent() },
    commit: (rows) => sender.commit(rows).then(() => void (added += rows)),
  });
  const relay = counted({ ...service, commit: (rows) => commitBacklog(service, rows) });
  try {
    await stage.topics(['bench.raw']);
    await drain(relay, 1_000);
    const raw = await rawSender(stage);
    const drains = (n: number): [string, () => Promise<number>][] => [
      ['relay', async () => n / (await drain(relay, n))],
      ['kafkajs sendBatch', async () => n / (await raw.send(n))],
    ];
    const warming = await warmUps(scale, drains(rows / 4));
    const drained = await inTurns(scale, `drain ${rows.toLocaleString('en')} rows`, drains(rows));
    await raw.close();

    const seconds = scale.quick ? 1 : 4;
    const clients = 16;
    const write = (withOutbox: boolean, n: number) => () =>
      closedLoop(n, seconds, async () => {
        await service.database.transaction(async (tx) => {
          const id = 1 + Math.floor(Math.random() * 10_000);
          const [{ balance }] = (await tx.query('SELECT balance FROM account WHERE id = $1 FOR UPDATE', [id])) as [{ balance: string }];
          await tx.query('UPDATE account SET balance = $2, version = version + 1 WHERE id = $1', [id, BigInt(balance) + 1n]);
          if (withOutbox) await service.outbox.add(tx, changed({ account: `account-${id}`, n: 0, due: 0, note: NOTE }));
        });
        if (withOutbox) added++;
      });
    const sent = () => until('sending the rest', async () => (await left(service)) === 0);
    const [withRow, without, withRelay] = await inTurns(scale, `read-change-write, ${clients} clients`, [
      ['with an outbox row', () => service.withoutRelay(write(true, clients)).finally(sent)],
      ['without', write(false, clients)],
      ['with its relay here', () => write(true, clients)().finally(sent)],
    ]);

    const measures: Measure[] = [
      compared(`drain ${rows.toLocaleString('en')} rows`, 'messages/s', drained, { is: 'at least', bound: 0.8 }),
      compared('read-change-write with an outbox row, 16 clients', 'transactions/s', [withRow!, without!], { is: 'at least', bound: 0.85 }),
      compared('the same, with the relay in this process', 'transactions/s', [withRelay!, without!]),
    ];
    const backlogs = await backlogCurve(relay, scale);
    const clientCounts = await clientCurve(scale, write);
    await sent();
    // Last, since its own relay is none of those.
    await service.app.get(Messaging).stop();
    const lanes = () => service.app.get(OutboxOperations).lanes(service.database.primary);
    const replicas = new Replicas({ stage, store, lanes, database: service.database, signal: scale.signal });
    const drainTogether = () => drain(counted(replicas), rows / 4);
    const relays = await relayCurve(replicas, scale, rows / 4, drainTogether).finally(() => replicas.stop());
    const progress = every(10_000, (records: number, of: number) =>
      scale.say(`reading what was sent: ${records.toLocaleString('en')} of ${of.toLocaleString('en')} records`),
    );
    const inTopic = await delivered(stage.client('bench-delivered'), changed.topic, progress);
    return {
      name: 'outbox',
      about: `A backlog is drained by the relay, and the same bytes are sent with kafkajs alone, ${RAW_BATCH.toLocaleString('en')} messages a \`sendBatch\`, \`acks=all\` both. Then 16 clients read, change and write a row: with an outbox row and the wake-up for its relay, which another replica has, and without; and once more while the relay sends in the same process, so that Kafka's share of the machine is in the figure.`,
      ...{ measures, curves: [backlogs, relays, clientCounts], lost: added - inTopic.different },
      notes: [
        `Before the drain each side sent ${(rows / 4).toLocaleString('en')} until it got no faster, a second: ${warming}.`,
        `The 1, 2 and 3 relays are as many replicas of the service, each a process that owns one lane; the first of them commits the backlog. After each start of a process they drained until they got no faster.`,
        `Lost is what was committed (${added.toLocaleString('en')} rows) and is not in the topic, which was read to its end: ${inTopic.records.toLocaleString('en')} records, ${(inTopic.records - inTopic.different).toLocaleString('en')} of them sent again.`,
      ],
    };
  } finally {
    await service.stop();
  }
}

/** A service, or its replicas together. */
interface Sender {
  readonly database: Database;
  /** Makes so many rows visible at once. */
  commit(rows: number): Promise<void>;
  /** Records the broker has acknowledged since the start. */
  sent(): number;
}

/** From the commit that makes the rows visible to the last acknowledgement, s. */
async function drain(sender: Sender, rows: number): Promise<number> {
  const before = sender.sent();
  await sender.commit(rows);
  const start = performance.now();
  await until(`draining ${rows} rows`, () => sender.sent() - before >= rows, 600);
  const seconds = (performance.now() - start) / 1_000;
  await until('deleting what was sent', async () => (await left(sender)) === 0);
  return seconds;
}

const left = async ({ database }: Pick<Sender, 'database'>): Promise<number> =>
  (await database.primary.query<[{ n: number }]>('SELECT count(*)::int AS n FROM outbox'))[0].n;

async function rawSender(stage: Stage): Promise<{ send(rows: number): Promise<number>; close(): Promise<void> }> {
  const producer = stage.client('bench-raw').producer({ allowAutoTopicCreation: false });
  await producer.connect();
  return {
    async send(rows) {
      const batches = Array.from({ length: Math.ceil(rows / RAW_BATCH) }, (_, batch) =>
        Array.from({ length: Math.min(RAW_BATCH, rows - batch * RAW_BATCH) }, (_, n) => rawMessage(batch * RAW_BATCH + n)),
      );
      const start = performance.now();
      for (const messages of batches) await producer.sendBatch({ acks: -1, topicMessages: [{ topic: 'bench.raw', messages }] });
      return (performance.now() - start) / 1_000;
    },
    close: () => producer.disconnect(),
  };
}

/** The bytes of `FILL`. */
export function rawMessage(n: number): Message {
  const account = `account-${n % 1_000}`;
  const hex = n.toString(16).padStart(32, '0');
  return {
    key: account,
    value: JSON.stringify({ account, n, due: 0, note: NOTE }),
    headers: {
      ...{
        ce_specversion: '1.0',
        ce_id: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
      },
      ...{ ce_source: '/ballast/bench', ce_type: 'bench.changed.v1', ce_time: '2026-01-01T00:00:00.000Z' },
      ...{ 'content-type': 'application/json', traceparent: `00-${hex}-${hex.slice(16)}-01` },
    },
  };
}

/** A larger backlog must not make each page slower. */
async function backlogCurve(relay: Sender, scale: Scale): Promise<Curve> {
  const sizes = scale.quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000];
  const values: number[] = [];
  for (const size of sizes) {
    scale.signal.throwIfAborted();
    values.push(size / (await drain(relay, size)));
    scale.say(`backlog of ${size.toLocaleString('en')}: ${Math.round(values.at(-1)!).toLocaleString('en')} messages/s`);
  }
  return { what: 'Draining a backlog', unit: 'messages/s', of: 'rows', sizes, lines: [{ name: 'relay', values }] };
}

/** As many processes as lanes, so that each owns one: what another replica of the service brings. */
async function relayCurve(replicas: Replicas, scale: Scale, rows: number, drained: () => Promise<number>): Promise<Curve> {
  const sizes = [1, 2, 3];
  const values: number[] = [];
  const speed = async () => rows / (await drained());
  for (const relays of sizes) {
    await replicas.add();
    await setLanes(replicas.database, relays);
    await replicas.eachOwnsOne();
    await warmUp(scale, `relay processes: ${relays},`, speed);
    const rounds: number[] = [];
    for (let round = 0; round < (scale.quick ? 1 : 3); round++) {
      scale.signal.throwIfAborted();
      rounds.push(await speed());
    }
    values.push(median(rounds));
    scale.say(`relay processes: ${relays}, ${Math.round(values.at(-1)!).toLocaleString('en')} messages/s`);
  }
  return {
    what: `Draining ${rows.toLocaleString('en')} rows`,
    unit: 'messages/s',
    of: 'relays, each a process',
    sizes,
    lines: [{ name: 'a lane each', values }],
  };
}

async function clientCurve(scale: Scale, write: (withOutbox: boolean, clients: number) => () => Promise<number>): Promise<Curve> {
  const sizes = scale.quick ? [1, 4] : [1, 4, 16, 64];
  const [rows, without]: [number[], number[]] = [[], []];
  for (const clients of sizes) {
    const both: [number[], number[]] = [[], []];
    for (let round = 0; round < (scale.quick ? 1 : 3); round++)
      for (const [place, withOutbox] of [true, false].entries()) {
        scale.signal.throwIfAborted();
        both[place]!.push(await write(withOutbox, clients)());
      }
    rows.push(median(both[0]));
    without.push(median(both[1]));
    scale.say(`${clients} clients: ${Math.round(rows.at(-1)!)} transactions/s with an outbox row, ${Math.round(without.at(-1)!)} without`);
  }
  const lines = [
    { name: 'with an outbox row', values: rows },
    { name: 'without', values: without },
  ];
  return { what: 'Read-change-write', unit: 'transactions/s', of: `clients (${POOL} connections)`, sizes, lines };
}
