import type { MigrationInterface, QueryRunner } from 'typeorm';
import { eventually } from '@ballast/testing';
import { metricsText } from '@ballast/tracing';
import { type Database, pruneStatement, Retention, type RetentionRule } from '../src/index.js';
import { freshConfig, opened } from './fixture.js';

class Things1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE thing (id int PRIMARY KEY, at timestamptz NOT NULL, open boolean NOT NULL DEFAULT false)`);
    await runner.query('CREATE INDEX thing_at ON thing (at)');
    await runner.query('CREATE TABLE kept (id int PRIMARY KEY)');
  }
  async down(): Promise<void> {}
}

const MINUTE = 60_000;
const rule: RetentionRule = { table: 'thing', since: 'at', keep: 10 * MINUTE, where: 'NOT open' };
const never = new AbortController().signal;
let one: Database;
let two: Database;
beforeAll(async () => {
  const config = await freshConfig();
  [one, two] = await Promise.all([
    opened(config, { migrations: [Things1700000000001] }),
    opened(config, { migrations: [Things1700000000001] }),
  ]);
});
beforeEach(() => one.primary.query('DELETE FROM thing; DELETE FROM kept'));

const things = (from: number, count: number, minutes: number, open = false) =>
  one.primary.query(
    `INSERT INTO thing SELECT n, now() - $3 * interval '1 minute', $4 FROM generate_series($1::int, $1::int + $2::int - 1) AS n`,
    [from, count, minutes, open],
  );
const left = async (table = 'thing') =>
  (await one.primary.query<{ id: number }[]>(`SELECT id FROM ${table} ORDER BY id`)).map(({ id }) => id);
const retention = (database: Pick<Database, 'transaction' | 'available'> = one, ...rules: RetentionRule[]) => {
  const made = new Retention(database, never);
  made.add(...(rules.length ? rules : [rule]));
  return made;
};

/** How many rows each transaction deleted. */
function watched(database: Database): { batches: number[]; database: Pick<Database, 'transaction' | 'available'> } {
  const batches: number[] = [];
  return {
    batches,
    database: {
      available: true,
      transaction: (work) =>
        database.transaction(async (tx) => {
          const result = await work(tx);
          batches.push(Number(result));
          return result;
        }),
    },
  };
}

it('deletes what is old, in batches of a transaction each; what is young or unfinished stays', async () => {
  await things(0, 2_500, 11);
  await things(10_000, 3, 9);
  await things(20_000, 3, 11, true);
  const { database, batches } = watched(one);
  expect(await retention(database).prune()).toEqual({ thing: 2_500 });
  expect(batches).toEqual([1_000, 1_000, 500]);
  expect(await left()).toEqual([10_000, 10_001, 10_002, 20_000, 20_001, 20_002]);
  expect(await metricsText()).toMatch(/^ballast_pruned_rows_total\{table="thing"\} 2500$/m);
});

it('is done by one replica at a time, and each row once', async () => {
  await things(0, 5_000, 11);
  let atWork = 0;
  let most = 0;
  const counting = (database: Database): Pick<Database, 'transaction' | 'available'> => ({
    available: true,
    transaction: (work) =>
      database.transaction(async (tx) => {
        const count = await work(tx);
        // Only who deleted something was at work; the lock is held until COMMIT.
        if (count) most = Math.max(most, ++atWork);
        await tx.query('SELECT pg_sleep(0.01)');
        if (count) atWork--;
        return count;
      }),
  });
  const rules: RetentionRule = { ...rule, batch: 100 };
  const counts = await Promise.all([retention(counting(one), rules).prune(), retention(counting(two), rules).prune()]);
  const again = await retention(one).prune();
  expect(counts[0]!['thing']! + counts[1]!['thing']! + again['thing']!).toBe(5_000);
  expect(most).toBe(1);
  expect(await left()).toEqual([]);
});

it('leaves a row that somebody holds to the next round, and waits for nobody', async () => {
  await things(0, 3, 11);
  await two.transaction(async (tx) => {
    await tx.query('UPDATE thing SET open = open WHERE id = 1');
    expect(await retention().prune()).toEqual({ thing: 2 });
  });
  expect(await retention().prune()).toEqual({ thing: 1 });
});

it('keeps what a rule wants kept, in the same transaction', async () => {
  await things(0, 3, 11);
  const keeping: RetentionRule = { ...rule, keeping: 'INSERT INTO kept SELECT id FROM gone' };
  expect(await retention(one, keeping).prune()).toEqual({ thing: 3 });
  expect(await left('kept')).toEqual([0, 1, 2]);
  await things(0, 1, 11);
  await expect(retention(one, keeping).prune()).rejects.toThrow(/duplicate key/);
  expect(await left()).toEqual([0]);
});

it('gives every rule its turn when one fails', async () => {
  await things(0, 3, 11);
  await expect(retention(one, { ...rule, table: 'nothing' }, rule).prune()).rejects.toThrow(/does not exist/);
  expect(await left()).toEqual([]);
});

it('finds what is old by its index', async () => {
  await one.transaction(async (tx) => {
    await tx.query('SET LOCAL enable_seqscan = off');
    const plan = await tx.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN ${pruneStatement(rule)}`, [1_000, rule.keep]);
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toMatch(/Index.* using thing_at|on thing_at/);
  });
});

it('goes on by itself until the database closes', async () => {
  const closing = new AbortController();
  const made = new Retention(one, closing.signal, 20);
  made.add(rule);
  for (const id of [0, 1]) {
    await things(id, 1, 11);
    await eventually(async () => expect(await left()).toEqual([]));
  }
  closing.abort();
  await made.stopped();
  await things(0, 1, 11);
  expect(await left()).toEqual([0]);
});
