import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createServiceDatabase,
  dropPostgres,
  eventually,
  faultProxy,
  pauseProcess,
  randomSecret,
  type RunningPostgres,
  startPostgres,
} from '@ballast/testing';
import { CommitUnknownError, type Database, type DatabaseConfig, isTransient, NoPrimaryError } from '../src/index.js';
import { cleanup, freshConfig, Note, opened } from './fixture.js';

/** A primary and a replica of its own, to be broken. A commit is acknowledged when the replica has it. */
async function ownPostgres(): Promise<{ postgres: RunningPostgres; config: DatabaseConfig }> {
  const directory = mkdtempSync(join(tmpdir(), 'ballast-failover-'));
  cleanup(() => Promise.resolve(dropPostgres(directory)));
  const postgres = await startPostgres({ directory });
  cleanup(() => postgres.stop());
  const [password, ownerPassword] = [randomSecret(), randomSecret()];
  await createServiceDatabase(postgres, 'shop', { password, ownerPassword });
  await postgres.nodes[0]!.query(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
  await postgres.nodes[0]!.query('SELECT pg_reload_conf()');
  const owner = { user: 'shop_owner', password: ownerPassword };
  // Long limits: what ends in time in these tests ends because a connection was cut.
  const limits = { statementTimeout: '10m', idleInTransactionTimeout: '10m' } as const;
  return { postgres, config: { hosts: postgres.nodes.map((n) => n.host), name: 'shop', user: 'shop', password, owner, ...limits } };
}

/** Writes rows one after the other, through whatever happens, and keeps account of what was acknowledged. */
class Writer {
  readonly acknowledged: string[] = [];
  readonly unknown: string[] = [];
  readonly unexpected: unknown[] = [];
  private stopped = false;
  private readonly done: Promise<void>;

  constructor(private readonly database: Database) {
    this.done = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.done;
  }

  private async run(): Promise<void> {
    for (let n = 0; !this.stopped; n++) {
      const id = `note ${n}`;
      try {
        await this.database.transaction((tx) => tx.insert(Note, { id }));
        this.acknowledged.push(id);
      } catch (error) {
        if (error instanceof CommitUnknownError) this.unknown.push(id);
        else if (!isTransient(error)) this.unexpected.push(error);
        if (error instanceof NoPrimaryError) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }
}

describe('a primary that dies', () => {
  it('is left for the promoted replica, without a restart and without losing an acknowledged row', async () => {
    const { postgres, config } = await ownPostgres();
    const database = await opened(config);
    const writer = new Writer(database);
    await eventually(() => expect(writer.acknowledged.length).toBeGreaterThan(50));
    const old = database.view.primary;

    await postgres.promote();
    const before = writer.acknowledged.length;
    await eventually(() => expect(writer.acknowledged.length).toBeGreaterThan(before + 50));
    await writer.stop();

    expect(database.view.primary).not.toEqual(old);
    expect(database.view.timeline).toBe(2);
    expect(writer.unexpected).toEqual([]);
    const there = new Set((await database.primary.find(Note)).map((n) => n.id));
    expect(writer.acknowledged.filter((id) => !there.has(id))).toEqual([]);
  });
});

describe('a primary that is paused', () => {
  it('is left for the promoted replica, and not returned to when it wakes up still believing', async () => {
    const { postgres, config } = await ownPostgres();
    const [old, promoted] = postgres.nodes;
    await old!.query('ALTER SYSTEM RESET synchronous_standby_names');
    await old!.query('SELECT pg_reload_conf()');
    const database = await opened(config);
    const writer = new Writer(database);
    await eventually(() => expect(writer.acknowledged.length).toBeGreaterThan(20));

    const resume = pauseServer(old!.pid!);
    await postgres.promote({ beside: true });
    const before = writer.acknowledged.length;
    await eventually(() => expect(writer.acknowledged.length).toBeGreaterThan(before + 20));
    expect(database.view.primary).toEqual(promoted!.host);

    resume();
    await eventually(async () => expect(await old!.query('SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: false }]));
    const awake = writer.acknowledged.length;
    await eventually(() => expect(writer.acknowledged.length).toBeGreaterThan(awake + 200));
    await writer.stop();
    expect(database.view.primary).toEqual(promoted!.host);
    expect(writer.unexpected).toEqual([]);
    const there = new Set(
      (await promoted!.session((c) => c.query('SELECT id FROM note'), { database: 'shop' })).rows.map((r: Note) => r.id),
    );
    expect(writer.acknowledged.slice(before).filter((id) => !there.has(id))).toEqual([]);

    const late = await opened(config);
    await eventually(() => expect(late.view.primary).toEqual(promoted!.host));
  });
});

describe('a primary that lives on beside the promoted replica', () => {
  it('gets no write any more, on connections it already has either', async () => {
    const { postgres, config } = await ownPostgres();
    const [old, promoted] = postgres.nodes;
    const database = await opened(config);
    await Promise.all(Array.from({ length: 5 }, () => database.primary.query('SELECT pg_sleep(0.1)')));
    const inTheMiddle = database.transaction(async (tx) => {
      await tx.insert(Note, { id: 'to the old one' });
      await postgres.promote({ beside: true });
      await eventually(() => expect(database.view.primary).toEqual(promoted!.host));
    });
    await expect(inTheMiddle).rejects.toThrow('lost before COMMIT');
    expect(old!.alive).toBe(true);
    await Promise.all(Array.from({ length: 10 }, (_, n) => database.transaction((tx) => tx.insert(Note, { id: `note ${n}` }))));
    const count = async (node: typeof old) => (await node!.session((c) => c.query('SELECT FROM note'), { database: 'shop' })).rowCount;
    expect(await count(old)).toBe(0);
    expect(await count(promoted)).toBe(10);
  });

  it('is left by connections that follow indexes, and by those that listen', async () => {
    const { postgres, config } = await ownPostgres();
    const [old, promoted] = postgres.nodes;
    const database = await opened(config);
    const ports = () =>
      Promise.all(
        Array.from({ length: 3 }, async () => {
          const [row] = await database.byIndex.query<[{ port: number }]>('SELECT inet_server_port() AS port, pg_sleep(0.1)');
          return row.port;
        }),
      );
    const heard: string[] = [];
    const stop = new AbortController();
    const listening = database.listen('news', (payload = 'begun') => heard.push(payload), stop.signal);
    await eventually(() => expect(heard).toEqual(['begun']));
    expect(new Set(await ports())).toEqual(new Set([old!.host.port]));

    await postgres.promote({ beside: true });
    await eventually(() => expect(database.view.primary).toEqual(promoted!.host));
    expect(new Set(await ports())).toEqual(new Set([promoted!.host.port]));
    await eventually(() => expect(heard).toEqual(['begun', 'begun']));
    await database.primary.query(`SELECT pg_notify('news', 'from the new one')`);
    await eventually(() => expect(heard).toContain('from the new one'));
    expect(old!.alive).toBe(true);
    stop.abort();
    await listening;
  });
});

describe('a replica that dies', () => {
  it('fails no read: the primary answers, and the replica again when it is back', async () => {
    const config = await freshConfig();
    const proxy = await faultProxy(config.hosts[1]!);
    cleanup(() => proxy.close());
    const database = await opened({ ...config, hosts: [config.hosts[0]!, { host: proxy.host, port: proxy.port }] });
    const fromReplica = async () => (await database.replica.query('SELECT pg_is_in_recovery() AS standby'))[0].standby as boolean;
    await eventually(async () => expect(await fromReplica()).toBe(true));

    let reading = true;
    let reads = 0;
    const reader = (async () => {
      for (; reading; reads++) await database.replica.find(Note);
    })();
    for (const fault of ['refuse', 'stall'] as const) {
      proxy[fault]();
      await eventually(async () => expect(await fromReplica()).toBe(false));
      const sofar = reads;
      await eventually(() => expect(reads).toBeGreaterThan(sofar + 20));
      proxy.heal();
      await eventually(async () => expect(await fromReplica()).toBe(true));
    }
    reading = false;
    await reader;
  });

  it('is not needed at all', async () => {
    const config = await freshConfig();
    const database = await opened({ ...config, hosts: [config.hosts[0]!] });
    expect((await database.replica.query('SELECT pg_is_in_recovery() AS standby'))[0].standby).toBe(false);
    await expect(database.replica.query(`INSERT INTO note VALUES ('a')`)).rejects.toMatchObject({ code: '25006' });
  });
});

/** Stops the server and all its backends, as a frozen machine would. */
function pauseServer(postmaster: number): () => void {
  const pids = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === postmaster)
    .map(([pid]) => pid!);
  const resumes = [postmaster, ...pids].map(pauseProcess);
  cleanup(() => Promise.resolve(resumes.forEach((resume) => resumeQuietly(resume))));
  return () => resumes.forEach((resume) => resumeQuietly(resume));
}

function resumeQuietly(resume: () => void): void {
  try {
    resume();
  } catch {
    // The process has ended meanwhile.
  }
}
