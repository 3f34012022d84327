import { Batch } from '../src/batch.js';
import { type Database, prepared, queryAtOnce, type Tx, withCommit } from '../src/index.js';
import type { TransactionClient } from '../src/routed-client.js';
import { freshConfig, opened, texts } from './fixture.js';

/** A statement of each round trip ends with a Sync, which is answered by ReadyForQuery. */
async function roundTrips(database: Database, work: (tx: Tx) => Promise<unknown>): Promise<number> {
  let answers = 0;
  const count = () => void answers++;
  let connection: { on(event: string, heard: () => void): void; off(event: string, heard: () => void): void } | undefined;
  await database.transaction(async (tx) => {
    ({ connection } = (await clientOf(tx)) as unknown as { connection: typeof connection });
    connection!.on('readyForQuery', count);
    await work(tx);
  });
  connection!.off('readyForQuery', count);
  return answers;
}

const clientOf = async (tx: Tx): Promise<TransactionClient> => (await tx.queryRunner!.connect()) as TransactionClient;
const INSERT = 'INSERT INTO note VALUES ($1, $2)';
const insert = (id: string) => ({ text: INSERT, values: [id, ''] });

describe('the round trips of a transaction', () => {
  let database: Database;
  let server: string;
  beforeAll(async () => {
    database = await opened({ ...(await freshConfig()), poolSize: 1 });
    server = await backend();
  });
  beforeEach(() => database.primary.query('DELETE FROM note'));
  const backend = async () => (await database.primary.query<[{ pid: string }]>('SELECT pg_backend_pid()::text AS pid'))[0].pid;
  const isSameConnection = async () => expect(await backend()).toBe(server);

  it.each<[string, number, (tx: Tx) => Promise<unknown>]>([
    ['none for one without a statement', 0, () => Promise.resolve()],
    ['one for one that only has last statements', 1, (tx) => Promise.resolve(withCommit(tx, INSERT, ['a', '']))],
    ['two with a statement: BEGIN goes with it, what is last with COMMIT', 2, (tx) => tx.query(INSERT, ['a', ''])],
    ['two with several at once', 2, (tx) => queryAtOnce(tx, [insert('a'), insert('b')])],
    [
      'one more for each other statement',
      4,
      (tx) =>
        tx
          .query(INSERT, ['a', ''])
          .then(() => tx.query('SELECT 1'))
          .then(() => tx.query('SELECT 2')),
    ],
    ['two more for a savepoint and its end', 4, (tx) => tx.transaction((inner) => inner.query(INSERT, ['a', '']))],
  ])('%s', async (_, count, work) => {
    expect(await roundTrips(database, work)).toBe(count);
    await isSameConnection();
  });

  it('runs what is asked for at once in its order, whoever is first', async () => {
    await database.transaction(async (tx) => {
      const [, rows] = await Promise.all([
        tx.query(INSERT, ['a', '']),
        tx.query<unknown[]>('SELECT id FROM note'),
        tx.query(INSERT, ['b', '']),
      ]);
      expect(rows).toEqual([{ id: 'a' }]);
    });
    expect(Object.keys(await texts(database)).sort()).toEqual(['a', 'b']);
  });

  it('waits for a first statement that nobody waited for', async () => {
    await database.transaction(async (tx) => {
      void (await clientOf(tx)).query(INSERT, ['a', '']);
    });
    expect(await texts(database)).toEqual({ a: '' });
    const work = database.transaction(async (tx) => {
      void (await clientOf(tx)).query(INSERT, ['b', '']);
      throw new Error('mistake');
    });
    await expect(work).rejects.toThrow('mistake');
    expect(await texts(database)).toEqual({ a: '' });
    await isSameConnection();
  });

  it('takes several statements in one text as its first', async () => {
    await database.transaction(async (tx) => {
      await tx.query(`INSERT INTO note VALUES ('a', ''); INSERT INTO note VALUES ('b', ';x')`);
      await tx.query(INSERT, ['c', '']);
    });
    expect(Object.keys(await texts(database)).sort()).toEqual(['a', 'b', 'c']);
  });

  it('is rolled back when its first statement failed, and the connection is as good as before', async () => {
    const work = database.transaction(async (tx) => {
      await tx.query('SELECT 1 / $1::int', [0]).catch(() => 'swallowed');
      await tx.query(INSERT, ['a', '']).catch(() => 'swallowed too');
    });
    await expect(work).rejects.toThrow('a statement in it had failed and its error was swallowed');
    await expect(database.transaction((tx) => tx.query('SELECT 1 / $1::int', [0]))).rejects.toThrow('division by zero');
    await database.transaction((tx) => tx.query(INSERT, ['b', '']));
    expect(await texts(database)).toEqual({ b: '' });
    await isSameConnection();
  });

  it('says so of a COMMIT, too, that needs what the failed batch was to parse', async () => {
    const both = prepared('SELECT 3 AS of_both_batches');
    const work = database.transaction(async (tx) => {
      await tx.query('SELECT 1');
      void queryAtOnce(tx, [
        { text: 'SELECT 1 / $1::int', values: [0] },
        { text: both, values: [] },
      ]).catch(() => 'swallowed');
      withCommit(tx, both, []);
    });
    await expect(work).rejects.toThrow('a statement in it had failed and its error was swallowed');
  });

  it('goes on after a value that cannot be written, of which nothing was sent', async () => {
    const round: Record<string, unknown> = {};
    round['itself'] = round;
    const [wrong, right] = [
      [round, ''],
      ['a', ''],
    ];
    await database.transaction(async (tx) => {
      await expect(tx.query(INSERT, wrong)).rejects.toThrow('circular');
      await tx.query(INSERT, right);
    });
    expect(await texts(database)).toEqual({ a: '' });
    const last = database.transaction(async (tx) => {
      await tx.query(INSERT, ['b', '']);
      withCommit(tx, INSERT, wrong!);
    });
    await expect(last).rejects.toThrow('circular');
    expect(await texts(database)).toEqual({ a: '' });
    await isSameConnection();
  });

  it('runs nothing outside of a transaction that could not begin, and gives the connection to nobody', async () => {
    const work = database.transaction(async (tx) => {
      const client = await clientOf(tx);
      client.withdraw();
      client.announce('BEGIN of nothing');
      const first = tx.query(INSERT, ['a', '']);
      const second = tx.query(INSERT, ['b', '']);
      await expect(first).rejects.toThrow('syntax error');
      await second.catch(() => 'swallowed');
      await tx.query(INSERT, ['c', '']).catch(() => 'swallowed too');
    });
    await expect(work).rejects.toThrow();
    expect(await texts(database)).toEqual({});
    expect(await backend()).not.toBe(server);
    server = await backend();
  });

  it('knows which prepared statements the server has after one before them failed', async () => {
    const counted = prepared('SELECT count(*)::int AS n FROM note /* counted */');
    const wrong = prepared('SELECT nothing FROM note');
    const failing = (text: string) =>
      database.transaction((tx) =>
        queryAtOnce(tx, [
          { text, values: [] },
          { text: counted, values: [] },
        ]),
      );
    for (let n = 0; n < 2; n++) {
      await expect(failing(wrong)).rejects.toThrow('column "nothing" does not exist');
      await expect(failing('SELECT 1 / 0')).rejects.toThrow('division by zero');
    }
    for (let n = 0; n < 2; n++) expect(await database.transaction((tx) => tx.query(counted))).toEqual([{ n: 0 }]);
    await isSameConnection();
  });
});

it('has no answer to any of its statements when the client loses patience', async () => {
  const impatient = {
    connectionParameters: { query_timeout: 12_000 },
    query: (_batch: Batch, done: (error: Error) => void) => done(new Error('Query read timeout')),
  };
  const batch = new Batch([insert('a'), { text: 'COMMIT', values: [] }]);
  const answers = await batch.sentBy(impatient as never);
  // What it has for each statement, since that is what the server's limit is for.
  expect(batch.query_timeout).toBe(24_000);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
