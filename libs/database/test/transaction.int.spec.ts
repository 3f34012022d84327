import type { EventEmitter } from 'node:events';
import { eventually } from '@ballast/testing';
import {
  afterCommit,
  beforeCommit,
  type Database,
  isUniqueViolation,
  NotInTransactionError,
  queryAtOnce,
  requireTransaction,
  type Tx,
  txState,
  withCommit,
} from '../src/index.js';
import { freshConfig, Note, opened, texts } from './fixture.js';

const note = (id: string, text = '') => Object.assign(new Note(), { id, text });

describe('a transaction', () => {
  let database: Database;
  beforeAll(async () => {
    database = await opened(await freshConfig());
  });
  beforeEach(() => database.primary.query('TRUNCATE note').catch(() => database.primary.query('DELETE FROM note')));

  it('commits what it wrote, with TypeORM and with SQL', async () => {
    const result = await database.transaction(async (tx) => {
      await tx.save(note('a', 'by TypeORM'));
      await tx.query('INSERT INTO note VALUES ($1, $2)', ['b', 'by SQL']);
      return (await tx.findOneByOrFail(Note, { id: 'a' })).text;
    });
    expect(result).toBe('by TypeORM');
    expect(await texts(database)).toEqual({ a: 'by TypeORM', b: 'by SQL' });
  });

  it('rolls back when the work throws, and throws what it threw', async () => {
    const mistake = new Error('mistake');
    const work = database.transaction(async (tx) => {
      await tx.save(note('a'));
      throw mistake;
    });
    await expect(work).rejects.toBe(mistake);
    expect(await texts(database)).toEqual({});
  });

  it('runs hooks inside, before COMMIT, and after it', async () => {
    const order: string[] = [];
    await database.transaction(async (tx) => {
      afterCommit(tx, () => order.push('after'));
      afterCommit(tx, () => {
        throw new Error('logged, not thrown');
      });
      beforeCommit(tx, {}, async (same) => {
        order.push('before');
        await same.save(note('hook'));
      });
      await tx.save(note('work'));
      order.push('work');
    });
    expect(order).toEqual(['work', 'before', 'after']);
    expect(Object.keys(await texts(database)).sort()).toEqual(['hook', 'work']);
  });

  it('rolls back when a hook throws, and runs none after', async () => {
    const after = jest.fn();
    const work = database.transaction(async (tx) => {
      await tx.save(note('a'));
      afterCommit(tx, after);
      beforeCommit(tx, {}, () => Promise.reject(new Error('hook failed')));
    });
    await expect(work).rejects.toThrow('hook failed');
    expect(after).not.toHaveBeenCalled();
    expect(await texts(database)).toEqual({});
  });

  it('sends last statements with COMMIT, in their order, behind all that hooks do', async () => {
    await database.transaction((tx) => {
      for (const id of ['x', 'y']) withCommit(tx, `INSERT INTO note SELECT $1, string_agg(id, '' ORDER BY id) FROM note`, [id]);
      beforeCommit(tx, {}, async (same) => void (await same.query(`INSERT INTO note VALUES ('hook', '')`)));
      return Promise.resolve();
    });
    expect(await texts(database)).toEqual({ hook: '', x: 'hook', y: 'hookx' });
  });

  it('sends statements at once, which see each other; the first that fails is what it throws', async () => {
    const insert = { text: 'INSERT INTO note VALUES ($1, $2) RETURNING id', values: ['a', 'secret'] };
    const both = await database.transaction((tx) =>
      queryAtOnce<[{ id: string }[], { n: number }[]]>(tx, [insert, { text: 'SELECT count(*)::int AS n FROM note', values: [] }]),
    );
    expect(both).toEqual([[{ id: 'a' }], [{ n: 1 }]]);
    const work = database.transaction((tx) => queryAtOnce(tx, [insert, { text: 'SELECT 1', values: [] }]));
    const error: unknown = await work.catch((e: unknown) => e);
    expect(isUniqueViolation(error)).toBe(true);
    expect(JSON.stringify(error)).not.toContain('secret');
    await expect(queryAtOnce(database.primary as Tx, [insert])).rejects.toThrow(NotInTransactionError);
  });

  it('is not committed when a last statement fails, and throws what the server says of it', async () => {
    const after = jest.fn();
    const work = database.transaction(async (tx) => {
      await tx.save(note('a', 'secret'));
      withCommit(tx, 'INSERT INTO note VALUES ($1, $2)', ['a', 'secret']);
      withCommit(tx, 'INSERT INTO note VALUES ($1, $2)', ['b', '']);
      afterCommit(tx, after);
    });
    const error: unknown = await work.catch((e: unknown) => e);
    expect(isUniqueViolation(error)).toBe(true);
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(after).not.toHaveBeenCalled();
    expect(await texts(database)).toEqual({});
    // The connection is as good as before.
    await database.transaction((tx) => tx.save(note('c')));
    expect(Object.keys(await texts(database))).toEqual(['c']);
  });

  it('forgets the last statements of a savepoint that was rolled back', async () => {
    await database.transaction(async (tx) => {
      withCommit(tx, `INSERT INTO note VALUES ('kept', '')`, []);
      const failed = tx.transaction(async (inner) => {
        withCommit(inner as Tx, `INSERT INTO note VALUES ('not', '')`, []);
        throw new Error('no');
      });
      await expect(failed).rejects.toThrow('no');
    });
    expect(Object.keys(await texts(database))).toEqual(['kept']);
  });

  it('does not call a commit that rolled back a success', async () => {
    const work = database.transaction(async (tx) => {
      await tx.save(note('a'));
      withCommit(tx, `INSERT INTO note VALUES ('b', '')`, []);
      await tx.query('SELECT 1/0').catch(() => 'swallowed');
    });
    await expect(work).rejects.toThrow('a statement in it had failed and its error was swallowed');
    expect(await texts(database)).toEqual({});
  });

  it('does not let the work end it', async () => {
    await expect(database.transaction((tx) => tx.query('COMMIT'))).rejects.toThrow('only Database.transaction may end it');
    await expect(database.transaction((tx) => tx.queryRunner!.commitTransaction())).rejects.toThrow('only Database.transaction may end it');
  });

  it('tells a deferred constraint at COMMIT from a lost answer', async () => {
    const config = await freshConfig();
    const deferred = await opened(config, {
      entities: [Note],
      migrations: [
        class Deferred1700000000001 {
          up = (runner: { query(sql: string): Promise<unknown> }) =>
            runner.query(
              'CREATE TABLE note (id text, text text, CONSTRAINT one UNIQUE (id) DEFERRABLE INITIALLY DEFERRED)',
            ) as Promise<void>;
          down = () => Promise.resolve();
        },
      ],
    });
    const work = deferred.transaction((tx) => tx.query(`INSERT INTO note VALUES ('a', ''), ('a', '')`));
    const error: unknown = await work.catch((e: unknown) => e);
    expect(isUniqueViolation(error, 'one')).toBe(true);
  });

  it('keeps state over a released savepoint and takes it back over a rolled back one', async () => {
    const key = {};
    const added = (tx: Tx) => txState<string[]>(tx, key, () => []);
    const state = await database.transaction(async (tx) => {
      added(tx).push('outer');
      await tx.transaction(async (inner) => {
        requireTransaction(inner);
        added(inner).push('kept');
        await inner.save(note('kept'));
      });
      const failed = tx.transaction(async (inner) => {
        added(inner as Tx).push('lost');
        await inner.save(note('lost'));
        throw new Error('business');
      });
      await failed.catch(() => undefined);
      return added(tx);
    });
    expect(state).toEqual(['outer', 'kept']);
    expect(await texts(database)).toEqual({ kept: '' });
  });

  it('stays one transaction when a savepoint cannot even begin', async () => {
    const work = database.transaction(async (tx) => {
      await tx.save(note('a'));
      await tx.query('SELECT 1/0').catch(() => undefined);
      await tx.transaction(() => Promise.resolve()).catch(() => undefined);
      await tx.query(`INSERT INTO note VALUES ('outside')`).catch(() => undefined);
    });
    await expect(work).rejects.toThrow('swallowed');
    expect(await texts(database)).toEqual({});
  });

  it('refuses its manager after its end', async () => {
    const tx = await database.transaction((tx) => Promise.resolve(tx));
    expect(() => requireTransaction(tx)).toThrow(NotInTransactionError);
    expect(() => requireTransaction(database.primary)).toThrow(NotInTransactionError);
    await expect(tx.query('SELECT 1')).rejects.toThrow();
  });

  it('runs again after a deadlock', async () => {
    await database.primary.save([note('x', '0'), note('y', '0')]);
    let [runs, locked] = [0, 0];
    const both = (first: string, second: string) =>
      database.transaction(async (tx) => {
        const turn = ++runs;
        await tx.query(`UPDATE note SET text = (text::int + 1)::text WHERE id = $1`, [first]);
        locked++;
        if (turn <= 2) await eventually(() => expect(locked).toBeGreaterThanOrEqual(2));
        await tx.query(`UPDATE note SET text = (text::int + 1)::text WHERE id = $1`, [second]);
      });
    await Promise.all([both('x', 'y'), both('y', 'x')]);
    expect(runs).toBeGreaterThan(2);
    expect(await texts(database)).toEqual({ x: '2', y: '2' });
  });

  it('runs again after a serialization failure, and gives up after the attempts', async () => {
    await database.primary.save(note('n', '0'));
    const increment = (attempts: number) => {
      let runs = 0;
      const done = database.transaction(
        async (tx) => {
          runs++;
          const { text } = await tx.findOneByOrFail(Note, { id: 'n' });
          if (runs < 3) await database.primary.query(`UPDATE note SET text = (text::int + 10)::text WHERE id = 'n'`);
          await tx.update(Note, 'n', { text: String(Number(text) + 1) });
        },
        { isolation: 'REPEATABLE READ', attempts },
      );
      return done.then(() => runs);
    };
    expect(await increment(3)).toBe(3);
    expect(await texts(database)).toEqual({ n: '21' });
    await expect(increment(2)).rejects.toMatchObject({ code: '40001' });
  });

  it('stops a running statement when its signal says so', async () => {
    // It would run for longer than this test may.
    const patient = await opened({ ...(await freshConfig()), statementTimeout: '10m' });
    const abort = new AbortController();
    const reason = new Error('enough');
    const work = patient.transaction(
      async (tx) => {
        await tx.save(note('a'));
        setImmediate(() => abort.abort(reason));
        await tx.query('SELECT pg_sleep(600) /* aborted */');
      },
      { signal: abort.signal },
    );
    await expect(work).rejects.toBe(reason);
    expect(await texts(patient)).toEqual({});
    await eventually(async () => {
      const running = await patient.primary.query(`SELECT 1 FROM pg_stat_activity WHERE query LIKE '%/* aborted */' AND state = 'active'`);
      expect(running).toEqual([]);
    });
  });

  it.each(['rolled back', 'committed'])('lets nothing of it be written once it was %s, whatever still runs beside it', async (end) => {
    const late: unknown[] = [];
    let beside!: Promise<unknown>;
    const work = database.transaction(async (tx) => {
      await tx.save(note('a'));
      beside = (async () => {
        for (const n of [1, 2, 3, 4, 5, 6])
          await tx.query('INSERT INTO note VALUES ($1)', [`beside-${n}`]).catch((e: unknown) => late.push(e));
      })();
      if (end === 'rolled back') throw new Error('mistake');
    });
    if (end === 'rolled back') await expect(work).rejects.toThrow('mistake');
    else await work;
    await beside;
    expect(late).toHaveLength(5);
    if (end === 'committed') expect(late[0]).toBeInstanceOf(NotInTransactionError);
    expect(Object.keys(await texts(database))).toEqual(end === 'rolled back' ? [] : ['a', 'beside-1']);
  });

  it('knows that COMMIT was refused in whatever language the server says so', async () => {
    const work = database.transaction(async (tx) => {
      const { connection } = (await tx.queryRunner!.connect()) as { connection: EventEmitter };
      connection.prependListener('errorMessage', (error: { severity: string }) => (error.severity = 'FEHLER'));
      await tx.query('INSERT INTO late VALUES (1), (1)');
    });
    await expect(work).rejects.toMatchObject({ code: '23505' });
  });

  it('hides the values of a failed statement from a log', async () => {
    await database.primary.save(note('secret-id', 'x'));
    const error = (await database.primary.query('INSERT INTO note VALUES ($1)', ['secret-id']).catch((e: unknown) => e)) as Error;
    expect(isUniqueViolation(error)).toBe(true);
    expect(JSON.stringify({ ...error, driverError: { ...(error as unknown as { driverError: object }).driverError } })).not.toContain(
      'secret-id',
    );
  });
});
