import { eventually, testBrokers, uniqueName } from '@ballast/testing';
import { Chain } from '../src/chain.js';
import { consumeBench } from '../src/consume.js';
import { openDbos } from '../src/dbos.js';
import { delivered } from '../src/delivered.js';
import type { Result } from '../src/figures.js';
import { fdatasyncs, machine } from '../src/machine.js';
import { outboxBench } from '../src/outbox.js';
import { plot } from '../src/plot.js';
import { Replicas } from '../src/replicas.js';
import { report } from '../src/report.js';
import type { Scale } from '../src/rounds.js';
import { Stage } from '../src/stage.js';

jest.setTimeout(240_000);

/** Of what they measure nothing is asserted: that the benchmarks run, at a tiny size, and lose nothing. */
const scale: Scale = { rounds: 1, quick: true, say: () => undefined, signal: new AbortController().signal };
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({ brokers: testBrokers(), log: () => undefined, signal: scale.signal });
});
afterAll(() => stage?.close());

function isWhole(found: Omit<Result, 'seconds'>): Result {
  expect(found.lost).toBe(0);
  expect(found.measures.length).toBeGreaterThan(0);
  for (const { ours, theirs, goal } of found.measures) {
    expect(ours.values).toEqual([expect.any(Number)]);
    expect(ours.values[0]).toBeGreaterThan(0);
    if (goal) expect(theirs!.values[0]).toBeGreaterThan(0);
  }
  for (const { sizes, lines } of found.curves) for (const { values } of lines) expect(values).toHaveLength(sizes.length);
  return { ...found, seconds: 1 };
}

it('runs on a database that waits for its disk, and refuses one that does not', async () => {
  await stage.durable();
  const [postgres] = stage.postgres.nodes;
  await postgres!.query(`ALTER SYSTEM SET synchronous_commit = off`);
  await postgres!.query('SELECT pg_reload_conf()');
  try {
    await expect(stage.durable()).rejects.toThrow(/synchronous_commit of Postgres is not on/);
  } finally {
    await postgres!.query(`ALTER SYSTEM RESET synchronous_commit`);
    await postgres!.query('SELECT pg_reload_conf()');
  }
});

it('outbox, and its documents', async () => {
  const result = isWhole(await outboxBench(stage, scale));
  const page = report({ machine: await machine(stage, 0.1), date: '2026-01-01', rounds: 1, result });
  expect(page).toMatch(/^# Benchmark: outbox\n/);
  expect(page).not.toMatch(/NaN|undefined/);
  expect(plot(result)).not.toMatch(/NaN|undefined/);
});

it('counts what is in a topic by its ids: one that was sent twice does not stand for one that was not sent', async () => {
  const topic = uniqueName('bench-delivered');
  await stage.topics([topic]);
  const kafka = stage.client('bench-test');
  expect(await delivered(kafka, topic)).toEqual({ records: 0, different: 0 });
  const producer = kafka.producer();
  await producer.connect();
  const ids = ['a', 'b', 'b', 'c'];
  await producer.send({ topic, messages: ids.map((ce_id, n) => ({ key: String(n), value: '', headers: { ce_id } })) });
  await producer.disconnect();
  expect(await delivered(kafka, topic)).toEqual({ records: 4, different: 3 });
});

it('a replica that has ended ends the run, and a run that is stopped ends its replicas', async () => {
  const store = await stage.store('bench_replicas');
  const stopping = new AbortController();
  const replicas = new Replicas({
    ...{ stage, store, database: await store.database(1), signal: stopping.signal },
    lanes: () => Promise.resolve([]),
  });
  await replicas.add();
  expect(replicas.sent()).toBe(0);
  stopping.abort();
  await eventually(() => expect(() => replicas.sent()).toThrow('bench-1 has ended'));
  await expect(replicas.commit(1)).rejects.toThrow('bench-1 has ended');
  await replicas.stop();
});

it('consume', async () => {
  isWhole(await consumeBench(stage, scale));
});

it('the bare chain, and its twelve commits', async () => {
  const chain = await Chain.open(stage);
  try {
    const latencies = await chain.latencies(20, 5);
    expect(latencies.p99).toBeGreaterThanOrEqual(latencies.p50);
    const commits = async () =>
      Number((await stage.postgres.nodes[0]!.query<{ n: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS n'))[0]!.n);
    const before = await commits();
    for (let n = 0; n < 10; n++) await chain.checkout();
    // A vacuum of its own may have taken one, too.
    expect((await commits()) - before).toBeGreaterThanOrEqual(120);
    expect((await commits()) - before).toBeLessThan(140);
  } finally {
    await chain.close();
  }
});

it('a workflow of DBOS, whose five steps happen once', async () => {
  const store = await stage.store('bench_dbos');
  const dbos = await openDbos(store);
  try {
    await dbos.workflow();
    const { rows } = await store.pool(1).query('SELECT step FROM effect ORDER BY id');
    expect(rows.map(({ step }) => step as number)).toEqual([1, 2, 3, 4, 5]);
  } finally {
    await dbos.close();
  }
});

it('measures the disk', () => {
  expect(fdatasyncs(0.1)).toBeGreaterThan(0);
});
