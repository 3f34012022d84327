import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { dropPostgres, eventually, isRunning, type RunningPostgres, startPostgres } from '../src/index.js';

describe('Postgres with a replica', () => {
  // Mode 0700, as a home is that others cannot read.
  let directory: string;
  let postgres: RunningPostgres;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-postgres-test-'));
    postgres = await startPostgres({ directory });
  });
  afterAll(async () => {
    await postgres.stop();
    dropPostgres(directory);
  });

  it('streams what the primary commits', async () => {
    const [primary, replica] = postgres.nodes;
    await primary!.query('CREATE TABLE kept AS SELECT 1 AS n');
    await eventually(async () => expect(await replica!.query('SELECT n FROM kept')).toEqual([{ n: 1 }]));
    expect(await postgres.streaming()).toBe(true);
    expect(await replica!.query('SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: true }]);
  });

  it('keeps fsync on and asks for passwords', async () => {
    expect(await postgres.nodes[0]!.query('SHOW fsync')).toEqual([{ fsync: 'on' }]);
    const stranger = new Client({ ...postgres.primary, user: 'postgres', password: 'wrong', database: 'postgres' });
    await expect(stranger.connect()).rejects.toThrow(/password authentication failed/);
  });

  it('keeps its data, and its replica, over a restart on other ports', async () => {
    await postgres.stop();
    postgres = await startPostgres({ directory });
    expect(await postgres.streaming()).toBe(true);
    expect(await postgres.nodes[1]!.query('SELECT n FROM kept')).toEqual([{ n: 1 }]);
  });

  it('recovers from a crash of a node', async () => {
    const [primary, replica] = postgres.nodes;
    await primary!.stop('SIGKILL');
    await replica!.stop('SIGKILL');
    expect(primary!.pid).toBeUndefined();
    await Promise.all([primary!.start(), replica!.start()]);
    expect(await primary!.query('SELECT n FROM kept')).toEqual([{ n: 1 }]);
    await eventually(async () => expect(await postgres.streaming()).toBe(true));
  });

  // Elsewhere the state of a process cannot be read, and Postgres has the last word.
  const onLinux = process.platform === 'linux' ? it : () => undefined;
  onLinux('starts beside the lock file of a server that was killed and that nobody has reaped', async () => {
    const [primary] = postgres.nodes;
    // The shell becomes a sleep, which never asks after the child it has: that one ends only then, when nobody reaps it.
    const parent = spawn('sh', ['-c', '(read -r _ <&3) & echo $!; exec sleep 60 3<&-'], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] });
    try {
      const zombie = Number(String((await once(parent.stdout!, 'data'))[0]));
      await eventually(() => expect(readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n'));
      parent.stdio[3]!.destroy();
      await eventually(() => expect(isRunning(zombie)).toBe(false));
      expect(() => process.kill(zombie, 0)).not.toThrow();
      const lock = readFileSync(join(primary!.data, 'postmaster.pid'), 'utf8');
      await primary!.stop();
      writeFileSync(join(primary!.data, 'postmaster.pid'), lock.replace(/^\d+/, String(zombie)));
      await primary!.start();
      expect(await primary!.query('SELECT n FROM kept')).toEqual([{ n: 1 }]);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('copies a replica anew that can no longer follow', async () => {
    await postgres.nodes[1]!.stop();
    await postgres.nodes[0]!.query(`SELECT pg_drop_replication_slot('ballast_replica')`);
    await postgres.stop();
    postgres = await startPostgres({ directory });
    expect(await postgres.streaming()).toBe(true);
  });

  it('promotes the replica after the primary died, and begins with it the next time', async () => {
    const [first, second] = [postgres.primary, postgres.replica!];
    await postgres.promote();
    expect(postgres.primary).toEqual(second);
    expect(postgres.replica).toBeUndefined();
    await expect(new Client({ ...first, ...postgres.superuser, database: 'postgres' }).connect()).rejects.toThrow(/ECONNREFUSED/);
    await postgres.nodes[1]!.query('INSERT INTO kept VALUES (2)');

    await postgres.stop();
    postgres = await startPostgres({ directory });
    expect(await postgres.streaming()).toBe(true);
    await eventually(async () => expect(await postgres.nodes[1]!.query('SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]));
  });

  it('takes the old primary back as a replica, without what only that one had', async () => {
    const [first, second] = [postgres.primary, postgres.replica!];
    await postgres.promote({ beside: true });
    await postgres.nodes.find(({ host }) => host.port === first.port)!.query('INSERT INTO kept VALUES (3)');
    await postgres.rejoin();
    expect([postgres.primary, postgres.replica]).toEqual([second, first]);
    expect(await postgres.streaming()).toBe(true);
    const replica = postgres.nodes.find(({ host }) => host.port === first.port)!;
    expect(await replica.query('SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
    await expect(postgres.rejoin()).rejects.toThrow('There is no old primary to rejoin');
  });

  it('says why it does not start, and leaves nothing running', async () => {
    const taken = mkdtempSync(join(tmpdir(), 'ballast-postgres-test-'));
    chmodSync(taken, 0o711);
    const started = startPostgres({ directory: taken, replica: false, port: postgres.primary.port }).finally(() => dropPostgres(taken));
    await expect(started).rejects.toThrow(/Postgres \(a\) stopped while it started:[^]*Address already in use/);
  });

  it('leaves the mode of its directory alone', () => {
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });
});
