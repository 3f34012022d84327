import { setImmediate as turn } from 'node:timers/promises';
import { eventually, faultProxy, type FaultProxy, freePort } from '@ballast/testing';
import {
  beforeCommit,
  CommitUnknownError,
  ConnectionLostError,
  type Database,
  type DatabaseConfig,
  isTransient,
  isUnavailable,
  NoPrimaryError,
  type Tx,
  withCommit,
} from '../src/index.js';
import { cleanup, freshConfig, Note, open, opened, schema, texts } from './fixture.js';

const note = (id: string) => Object.assign(new Note(), { id });

/** A database behind a proxy that misbehaves, and one that looks at the truth past it. */
async function behindProxy(options = schema): Promise<{ proxy: FaultProxy; config: DatabaseConfig; database: Database; truth: Database }> {
  const config = await freshConfig();
  const proxy = await faultProxy(config.hosts[0]!);
  cleanup(() => proxy.close());
  const truth = await opened(config, options);
  const database = await opened({ ...config, hosts: [{ host: proxy.host, port: proxy.port }], statementTimeout: '10m' }, options);
  return { proxy, config, database, truth };
}

describe('a connection that is lost', () => {
  it('before COMMIT: nothing was written, and it says so', async () => {
    const { proxy, database, truth } = await behindProxy();
    const work = database.transaction(async (tx) => {
      await tx.save(note('a'));
      proxy.cut();
      await tx.save(note('b'));
    });
    const error: unknown = await work.catch((e: unknown) => e);
    expect(isUnavailable(error)).toBe(true);
    expect(await texts(truth)).toEqual({});
    await database.whenAvailable();
    await eventually(() => database.transaction((tx) => tx.save(note('after'))));
    expect(await texts(truth)).toEqual({ after: '' });
  });

  it('between two statements, of whichever kind the second is: known as well', async () => {
    const { proxy, database, truth } = await behindProxy();
    const second: ((tx: Tx) => Promise<unknown>)[] = [
      (tx) => tx.query('SELECT 1'),
      (tx) => tx.save(note('b')),
      (tx) => tx.findBy(Note, {}),
    ];
    for (const statement of second) {
      const work = eventually(() => database.whenAvailable()).then(() =>
        database.transaction(async (tx) => {
          await tx.save(note('a'));
          proxy.cut();
          await eventually(() => expect(tx.queryRunner!.isReleased).toBe(true));
          await statement(tx);
        }),
      );
      const error: unknown = await work.catch((e: unknown) => e);
      expect(error).toBeInstanceOf(ConnectionLostError);
      expect(isUnavailable(error)).toBe(true);
    }
    expect(await texts(truth)).toEqual({});
  });

  it('between the last statement and COMMIT: known as well', async () => {
    const { proxy, database, truth } = await behindProxy();
    const work = database.transaction(async (tx) => {
      await tx.save(note('a'));
      proxy.cut();
      await eventually(() => expect(tx.queryRunner!.isReleased).toBe(true));
    });
    await expect(work).rejects.toBeInstanceOf(ConnectionLostError);
    expect(await texts(truth)).toEqual({});
  });

  it('with COMMIT on its way: unknown, and the row is not there', async () => {
    const { proxy, database, truth } = await behindProxy();
    const work = database.transaction(async (tx) => {
      await tx.save(note('a'));
      beforeCommit(tx, {}, async () => {
        proxy.stall();
        void turn()
          .then(() => turn())
          .then(() => proxy.cut());
      });
    });
    const error: unknown = await work.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CommitUnknownError);
    expect(isTransient(error)).toBe(false);
    expect(await texts(truth)).toEqual({});
  });

  it('with the answer on its way: unknown, and the row is there', async () => {
    const { proxy, database, truth } = await behindProxy(slowCommit);
    const work = database.transaction((tx) => tx.save(note('a')));
    const outcome = work.catch((e: unknown) => e);
    await committing(truth);
    proxy.cut();
    expect(await outcome).toBeInstanceOf(CommitUnknownError);
    await eventually(async () => expect(await texts(truth)).toEqual({ a: '' }));
  });

  it('with a last statement and COMMIT on their way: unknown, since both may have arrived', async () => {
    const { proxy, database, truth } = await behindProxy(slowCommit);
    const outcome = database
      .transaction(async (tx) => {
        await tx.save(note('a'));
        withCommit(tx, `INSERT INTO note VALUES ('b', '')`, []);
      })
      .catch((e: unknown) => e);
    await committing(truth);
    proxy.cut();
    expect(await outcome).toBeInstanceOf(CommitUnknownError);
    await eventually(async () => expect(await truth.primary.query(COMMITTING)).toEqual([]));
    expect(['', 'a,b']).toContain(
      Object.keys(await texts(truth))
        .sort()
        .join(),
    );
  });

  it('with the server told to end the session during a last statement: known, COMMIT was not reached', async () => {
    const { database, truth } = await behindProxy();
    const outcome = database
      .transaction(async (tx) => {
        await tx.save(note('a'));
        withCommit(tx, 'SELECT pg_sleep($1)', [60]);
      })
      .catch((e: unknown) => e);
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database()`;
    await eventually(async () => expect(await truth.primary.query(end)).toHaveLength(1));
    const error = await outcome;
    expect(error).not.toBeInstanceOf(CommitUnknownError);
    expect(isUnavailable(error)).toBe(true);
    expect(await texts(truth)).toEqual({});
  });

  it('with the server told to end the session during COMMIT: unknown', async () => {
    const { database, truth } = await behindProxy(slowCommit);
    const outcome = database.transaction((tx) => tx.save(note('a'))).catch((e: unknown) => e);
    await committing(truth);
    await truth.primary.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active' AND datname = current_database()`,
    );
    expect(await outcome).toBeInstanceOf(CommitUnknownError);
  });

  it('never gives a broken connection to the next caller', async () => {
    const { proxy, database } = await behindProxy();
    await Promise.all(Array.from({ length: 5 }, () => database.primary.query('SELECT pg_sleep(0.05)')));
    proxy.cut();
    await eventually(() => database.primary.query('SELECT 1'));
    await Promise.all(Array.from({ length: 20 }, () => database.primary.query('SELECT 1')));
  });
});

describe('a server that takes connections but does not answer', () => {
  it('is seen as away, ends what waits for it, and is used again when it answers', async () => {
    const { proxy, database } = await behindProxy();
    await database.primary.query('SELECT 1');
    proxy.stall();
    const error: unknown = await database.primary.query('SELECT 1').catch((e: unknown) => e);
    expect(isUnavailable(error)).toBe(true);
    expect(database.available).toBe(false);
    await expect(database.transaction(() => Promise.resolve())).rejects.toBeInstanceOf(NoPrimaryError);
    proxy.heal();
    await database.whenAvailable();
    await database.primary.query('SELECT 1');
  });
});

describe('a service whose database is away', () => {
  it('starts, says what it misses, and is migrated as soon as it is there', async () => {
    const config = await freshConfig();
    const proxy = await faultProxy(config.hosts[0]!);
    cleanup(() => proxy.close());
    proxy.refuse();
    const database = await open({ ...config, hosts: [{ host: proxy.host, port: proxy.port }] });
    expect(database.available).toBe(false);
    const error: unknown = await database.transaction((tx) => tx.save(note('a'))).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NoPrimaryError);
    await expect(database.primary.find(Note)).rejects.toThrow('no primary database');

    proxy.heal();
    await database.ready;
    await database.transaction((tx) => tx.save(note('a')));
    expect(await texts(database)).toEqual({ a: '' });
  });

  it('waits for it no longer than the signal lets it, and not past its own end', async () => {
    const config = await freshConfig();
    const database = await open({ ...config, hosts: [{ host: '127.0.0.1', port: await freePort() }] });
    const abort = new AbortController();
    const waiting = database.whenAvailable(abort.signal);
    abort.abort(new Error('no longer'));
    await expect(waiting).rejects.toThrow('no longer');
    const unlimited = expect(database.whenAvailable()).rejects.toThrow('closed');
    await database.close();
    await unlimited;
    await expect(database.ready).rejects.toThrow('closed');
  });
});

/** COMMIT takes a while: a deferred trigger sleeps in it, for less than the second after which a server notices that its client is gone. */
class SlowCommit1700000000001 {
  up = (runner: { query(sql: string): Promise<unknown> }) =>
    runner.query(`
      CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.7); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`) as Promise<void>;
  down = () => Promise.resolve();
}
const slowCommit = { ...schema, migrations: [...schema.migrations, SlowCommit1700000000001] } as unknown as typeof schema;

const COMMITTING = `SELECT 1 FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active' AND datname = current_database()`;
const committing = (truth: Database) =>
  eventually(
    async () => {
      const rows = await truth.primary.query(COMMITTING);
      expect(rows).toHaveLength(1);
    },
    { interval: 5 },
  );
