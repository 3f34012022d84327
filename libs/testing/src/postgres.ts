import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './child.js';
import { eventually } from './eventually.js';
import { randomSecret } from './names.js';
import { freePort, type Host } from './ports.js';
import { baseBackup, followPrimary, type Replication } from './postgres-backup.js';
import { type PostgresBinaries, postgresBinaries } from './postgres-binaries.js';
import { PostgresNode } from './postgres-node.js';
import { canEnter, giveTo, postgresUser, type SystemUser } from './postgres-user.js';

export interface PostgresOptions {
  /** Holds data, passwords and logs; kept between starts. */
  directory: string;
  /** The primary's port. Default: a free one. */
  port?: number;
  /** The replica's port. Default: a free one. */
  replicaPort?: number;
  /** Whether a streaming replica runs beside the primary. Default: true. */
  replica?: boolean;
  log?: (line: string) => void;
  /** Gives up starting, and leaves nothing running, when aborted. */
  signal?: AbortSignal;
}

/** Where a Postgres is and how to administer it: what is needed to use one somebody else started. */
export interface PostgresAccess {
  primary: Host;
  replica?: Host;
  superuser: { user: string; password: string };
}

export interface RunningPostgres extends PostgresAccess {
  /** All nodes, the one that was started as the primary first. */
  readonly nodes: readonly PostgresNode[];
  /** Whether the replica receives the primary's log at this moment. */
  streaming(): Promise<boolean>;
  /**
   * Makes the replica the primary. The old primary is killed first: promoting beside a living one makes two
   * (`beside: true` does just that). `primary` and `replica` change; the next start begins with the new primary.
   */
  promote(options?: { beside?: boolean }): Promise<void>;
  /** After a promotion: the node that was the primary becomes the replica of the new one, from a fresh copy; what only it had is gone. */
  rejoin(): Promise<void>;
  stop(): Promise<void>;
}

const superuserName = 'postgres';
const replicationSlot = 'ballast_replica';

/**
 * Starts Postgres 17: a primary and a replica that streams from it asynchronously, over TCP on 127.0.0.1 with scram passwords.
 * As root another user runs it, in a directory that user can enter (`<directory>/location` names it).
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const log = options.log ?? (() => undefined);
  const user = postgresUser();
  const home = postgresHome(options.directory, user);
  const binaries = postgresBinaries(user, home);
  const passwords = readOrCreatePasswords(home);
  const superuser = { user: superuserName, password: passwords.superuser };
  const replication: Replication = { user: 'replicator', password: passwords.replicator, slot: replicationSlot };

  const [first, second] = rememberedPrimary(home) === 'a' ? (['a', 'b'] as const) : (['b', 'a'] as const);
  const node = (name: string, port: number) =>
    new PostgresNode({
      name,
      port,
      user,
      superuser,
      data: join(home, name),
      executable: binaries.postgres,
      logFile: join(home, `postgres-${name}.log`),
      signal: options.signal,
    });
  let primary = node(first, options.port ?? (await freePort()));
  let replica = options.replica === false ? undefined : node(second, options.replicaPort ?? (await freePort()));
  const nodes = replica ? [primary, replica] : [primary];

  const copyToReplica = async (from: PostgresNode, to: PostgresNode) => {
    await to.stop();
    await baseBackup(from, to.data, user, replication);
    followPrimary(to.data, from, user, replication);
    await to.start();
    await eventually(() => mustStream(from));
  };

  try {
    if (!existsSync(join(primary.data, 'PG_VERSION'))) {
      log('creating the database cluster');
      await initialise(primary.data, binaries, user, passwords.superuser, options.signal);
    }
    // A known standby starts beside its primary, and connects as soon as that is up.
    const knownStandby = replica?.isStandby ? replica : undefined;
    if (knownStandby) followPrimary(knownStandby.data, primary, user, replication);
    await Promise.all([primary.start().then(() => ensureReplicator(primary, replication)), knownStandby?.start()]);
    if (replica && !(knownStandby && (await follows(primary)))) {
      log('copying the primary to its replica');
      await copyToReplica(primary, replica);
    }
  } catch (error) {
    await Promise.all(nodes.map((each) => each.stop()));
    throw error;
  }

  return {
    nodes,
    superuser,
    get primary() {
      return primary.host;
    },
    get replica() {
      return replica?.host;
    },
    streaming: () => isStreaming(primary).catch(() => false),
    async promote({ beside = false } = {}) {
      if (!replica) throw new Error('There is no replica to promote');
      if (!beside) await primary.stop('SIGKILL');
      await replica.query('SELECT pg_promote(true, 30)');
      rememberPrimary(home, replica.name);
      [primary, replica] = [replica, undefined];
    },
    async rejoin() {
      const old = nodes.find((each) => each !== primary);
      if (!old || replica) throw new Error('There is no old primary to rejoin');
      await old.stop('SIGKILL');
      await copyToReplica(primary, old);
      replica = old;
    },
    async stop() {
      // The primary first: it waits until its standby has everything.
      await primary.stop();
      await Promise.all(nodes.map((each) => each.stop()));
    },
  };
}

/** The directory itself, or one that Postgres' user can enter and that `<directory>/location` names. */
function postgresHome(directory: string, user: SystemUser | undefined): string {
  mkdirSync(directory, { recursive: true });
  if (canEnter(user, directory)) return directory;
  const pointer = join(directory, 'location');
  const known = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : undefined;
  if (known !== undefined && existsSync(known)) return known;
  const home = mkdtempSync(join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), 'ballast-postgres-'));
  chmodSync(home, 0o711);
  writeFileSync(pointer, `${home}\n`);
  return home;
}

/** Deletes a Postgres directory and, where the data lies elsewhere, that too. Nothing may run on it. */
export function dropPostgres(directory: string): void {
  const pointer = join(directory, 'location');
  if (existsSync(pointer)) rmSync(readFileSync(pointer, 'utf8').trim(), { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
}

function readOrCreatePasswords(home: string): { superuser: string; replicator: string } {
  const file = join(home, 'passwords.json');
  if (!existsSync(file)) {
    writeFileSync(file, JSON.stringify({ superuser: randomSecret(), replicator: randomSecret() }), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as { superuser: string; replicator: string };
}

function rememberedPrimary(home: string): string {
  const file = join(home, 'primary');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'a';
}

function rememberPrimary(home: string, name: string): void {
  writeFileSync(join(home, 'primary'), `${name}\n`);
}

async function initialise(
  data: string,
  { initdb }: PostgresBinaries,
  user: SystemUser | undefined,
  password: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Initialised beside and renamed, so that a start that was killed half way leaves no half cluster.
  const partial = `${data}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  const passwordFile = `${data}.password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  giveTo(user, partial);
  giveTo(user, passwordFile);
  try {
    const cluster = ['-D', partial, '-U', superuserName, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    await runChild('initdb', initdb, [...cluster, ...locale], {
      ...user,
      cwd: partial,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      logFile: `${data}.initdb.log`,
      ...(signal && { signal }),
    });
    writeFileSync(
      join(partial, 'pg_hba.conf'),
      'host all all 127.0.0.1/32 scram-sha-256\nhost replication replicator 127.0.0.1/32 scram-sha-256\n',
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(partial, data);
}

async function ensureReplicator(primary: PostgresNode, { user, password }: Replication): Promise<void> {
  await primary.query(`DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${user}') THEN CREATE ROLE ${user} LOGIN REPLICATION PASSWORD '${password}'; END IF;
  END $$`);
}

/** Whether a standby that ran before streams again soon; one whose log is gone never will, and is copied anew. */
async function follows(primary: PostgresNode): Promise<boolean> {
  const slots = await primary.query(`SELECT FROM pg_replication_slots WHERE slot_name = $1 AND wal_status <> 'lost'`, [replicationSlot]);
  if (slots.length === 0) return false;
  return eventually(() => mustStream(primary), { timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}

async function mustStream(primary: PostgresNode): Promise<void> {
  if (!(await isStreaming(primary))) throw new Error('The Postgres replica does not stream from its primary');
}

async function isStreaming(primary: PostgresNode): Promise<boolean> {
  const rows = await primary.query(`SELECT FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'`, [
    replicationSlot,
  ]);
  return rows.length > 0;
}
