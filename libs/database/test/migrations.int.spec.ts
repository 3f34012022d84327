import { eventually } from '@ballast/testing';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndexConcurrently, type Database, MigrationFailedError, type MigrationClass } from '../src/index.js';
import { freshConfig, Notes1700000000000, open, opened, schema } from './fixture.js';

const state = (database: Database, sql: string) =>
  database.primary.query<{ n: number }[]>(`SELECT (${sql})::int AS n`).then((r) => r[0]!.n);

class Slow1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE slow (id int)');
    await runner.query('SELECT pg_sleep(0.3)');
    await runner.query('INSERT INTO slow VALUES (1)');
  }
  async down(): Promise<void> {}
}

class Half1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE half (id int)');
    await runner.query('INSERT INTO nowhere VALUES (1)');
  }
  async down(): Promise<void> {}
}

describe('migrations', () => {
  it('run once, also when several replicas of a service start at once', async () => {
    const config = await freshConfig();
    const migrations = [Slow1700000000001, Notes1700000000000];
    const starters = await Promise.all([1, 2, 3].map(() => opened(config, { ...schema, migrations })));
    expect(await state(starters[0]!, 'SELECT count(*) FROM slow')).toBe(1);
    expect(await state(starters[1]!, 'SELECT count(*) FROM migrations')).toBe(2);
    expect(await starters[2]!.primary.query('SELECT name FROM migrations ORDER BY id')).toEqual([
      { name: 'Notes1700000000000' },
      { name: 'Slow1700000000001' },
    ]);
    await opened(config, { ...schema, migrations });
    expect(await state(starters[0]!, 'SELECT count(*) FROM slow')).toBe(1);
  });

  it('leave nothing of one that failed, name it, and go on once it is mended', async () => {
    const config = await freshConfig();
    const migrations: MigrationClass[] = [Notes1700000000000, Half1700000000002];
    const database = await open(config, { ...schema, migrations });
    const error: unknown = await database.ready.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(MigrationFailedError);
    expect((error as Error).message).toBe('migration Half1700000000002 failed and was rolled back: relation "nowhere" does not exist');
    expect(database.available).toBe(false);
    await expect(database.transaction(() => Promise.resolve())).rejects.toThrow('its migrations have not run yet');

    const mended = await opened(config, schema);
    expect(await state(mended, `SELECT count(*) FROM pg_tables WHERE tablename = 'half'`)).toBe(0);
    expect(await state(mended, 'SELECT count(*) FROM migrations')).toBe(1);
  });

  it('let the version at work pass while a long transaction is in their way, and get through when it ends', async () => {
    class Wider1700000000004 implements MigrationInterface {
      async up(runner: QueryRunner): Promise<void> {
        await runner.query('ALTER TABLE note ADD author text');
      }
      async down(): Promise<void> {}
    }
    const config = await freshConfig();
    const old = await opened(config);
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const long = old.transaction(async (tx) => {
      await tx.query('SELECT FROM note');
      await ended;
    });
    const waiting = `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'note'::regclass`;

    const next = await open(config, { ...schema, migrations: [Notes1700000000000, Wider1700000000004] });
    await eventually(async () => expect(await state(old, waiting)).toBe(1));
    // These queue up behind the migration, which waits behind the long transaction; and they get through before that has ended.
    await Promise.all([old.primary.query('SELECT FROM note'), old.primary.query(`INSERT INTO note VALUES ('x')`)]);
    expect(next.available).toBe(false);

    end();
    await long;
    await next.ready;
    expect(await state(old, `SELECT count(*) FROM information_schema.columns WHERE column_name = 'author'`)).toBe(1);
    expect(await state(old, 'SELECT count(*) FROM migrations')).toBe(2);
  });

  describe('may leave the transaction, for what cannot run in one:', () => {
    class Index1700000000003 implements MigrationInterface {
      transaction = false;
      up = (runner: QueryRunner) => createIndexConcurrently(runner, 'note_text', 'note (text)');
      down = () => Promise.resolve();
    }
    const migrations: MigrationClass[] = [Notes1700000000000, Index1700000000003];
    const valid = `SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('note_text') AND indisvalid`;

    it('an index is built while another starter waits for its turn', async () => {
      class Late1700000000003 extends Index1700000000003 {
        override up = async (runner: QueryRunner): Promise<void> => {
          // Longer than a starter waits to ask again, and than Postgres waits to look for a deadlock.
          await runner.query('SELECT pg_sleep(1.5)');
          await createIndexConcurrently(runner, 'note_text', 'note (text)');
        };
      }
      const config = await freshConfig();
      const late = { ...schema, migrations: [Notes1700000000000, Late1700000000003] };
      const [database] = await Promise.all([1, 2, 3].map(() => opened(config, late)));
      expect(await state(database!, valid)).toBe(1);
    });

    it('an index whose building was cut off is built anew', async () => {
      const config = await freshConfig();
      const before = await opened(config);
      await before.primary.query(`INSERT INTO note VALUES ('a'), ('b')`);
      class CutOff1700000000002 implements MigrationInterface {
        transaction = false;
        // What is left is the same whatever ended it.
        up = (runner: QueryRunner) => runner.query('CREATE UNIQUE INDEX CONCURRENTLY note_text ON note (length(text))') as Promise<void>;
        down = () => Promise.resolve();
      }
      const cutOff = await open(config, { ...schema, migrations: [Notes1700000000000, CutOff1700000000002] });
      await expect(cutOff.ready).rejects.toThrow('could not create unique index');
      expect(await state(before, valid)).toBe(0);

      await opened(config, { ...schema, migrations });
      expect(await state(before, valid)).toBe(1);
    });
  });

  it('refuse a class whose name does not end in a timestamp', async () => {
    class Nameless {
      up = () => Promise.resolve();
      down = () => Promise.resolve();
    }
    const database = await open(await freshConfig(), { migrations: [Nameless] });
    await expect(database.ready).rejects.toThrow('Nameless migration name is wrong');
  });

  it('give back the lock when the starter dies', async () => {
    const config = await freshConfig();
    const first = await open(config, { ...schema, migrations: [Notes1700000000000, Slow1700000000001] });
    await first.close();
    await opened(config, { ...schema, migrations: [Notes1700000000000, Slow1700000000001] });
  });
});

describe('the runtime role', () => {
  it('reads and writes rows and sequences, and creates, changes and drops nothing', async () => {
    const database = await opened(await freshConfig());
    await database.primary.query('INSERT INTO numbered DEFAULT VALUES');
    for (const sql of [
      'CREATE TABLE mine (id int)',
      'ALTER TABLE note ADD more int',
      'DROP TABLE note',
      'TRUNCATE note',
      'CREATE SCHEMA mine',
    ])
      await expect(database.primary.query(sql)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('the replica', () => {
  it('is where reads that spell it out go, and refuses writes', async () => {
    const database = await opened(await freshConfig());
    await eventually(async () => {
      const [{ standby }] = await database.replica.query('SELECT pg_is_in_recovery() AS standby');
      expect(standby).toBe(true);
    });
    // The table is there a moment later.
    await eventually(() => database.replica.query('SELECT FROM note'));
    await expect(database.replica.query(`INSERT INTO note VALUES ('a')`)).rejects.toMatchObject({ code: '25006' });
    expect((await database.primary.query('SELECT pg_is_in_recovery() AS standby'))[0].standby).toBe(false);
  });
});
