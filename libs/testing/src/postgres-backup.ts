import { chmodSync, chownSync, copyFileSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { giveTo, type SystemUser } from './postgres-user.js';
import type { PostgresNode } from './postgres-node.js';

/** What the manual says to leave out of a base backup: state of the running server, or made anew at start. */
const skippedFiles = /^(postmaster\.(pid|opts)|pg_internal\.init.*|backup_label.*|standby\.signal|recovery\.signal|pgsql_tmp.*)$/;
const emptiedFolders = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);

export interface Replication {
  user: string;
  password: string;
  slot: string;
}

/**
 * Makes `target` a copy of a running primary that will stream from it: the low-level base backup of the manual (26.3.3),
 * since the embedded Postgres comes without `pg_basebackup`.
 */
export async function baseBackup(
  primary: PostgresNode,
  target: string,
  user: SystemUser | undefined,
  replication: Replication,
): Promise<void> {
  rmSync(target, { recursive: true, force: true });
  await primary.session(async (client) => {
    await client.query(
      `SELECT pg_create_physical_replication_slot($1, true)
        WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
      [replication.slot],
    );
    await client.query(`SELECT pg_backup_start('ballast', true)`);
    copyFolder(primary.data, target, user);
    for (const folder of ['archive_status', 'summaries']) mkdirSync(join(target, 'pg_wal', folder), { mode: 0o700 });
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    writeFileSync(join(target, 'backup_label'), rows[0]?.labelfile ?? '', { mode: 0o600 });
  });
  writeFileSync(join(target, 'standby.signal'), '', { mode: 0o600 });
  giveTo(user, target);
}

/** Points a standby at its primary. Written at every start, because the primary's port may be another one. */
export function followPrimary(standby: string, primary: PostgresNode, user: SystemUser | undefined, replication: Replication): void {
  const { host, port } = primary.host;
  const { user: role, password, slot } = replication;
  const file = join(standby, 'postgresql.auto.conf');
  const conninfo = `host=${host} port=${port} user=${role} password=${password} application_name=${slot} connect_timeout=5`;
  writeFileSync(file, `primary_conninfo = '${conninfo}'\nprimary_slot_name = '${slot}'\n`, { mode: 0o600 });
  giveTo(user, file);
}

function copyFolder(source: string, target: string, user: SystemUser | undefined): void {
  mkdirSync(target, { mode: 0o700 });
  if (user) chownSync(target, user.uid, user.gid);
  for (const entry of readdirSync(source)) {
    if (skippedFiles.test(entry)) continue;
    const [from, to] = [join(source, entry), join(target, entry)];
    if (emptiedFolders.has(entry)) mkdirSync(to, { mode: 0o700 });
    else if (isFolder(from)) copyFolder(from, to, user);
    else copyFile(from, to);
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** A file may vanish while we copy: the log that streams afterwards removes it in the copy too. */
function copyFile(from: string, to: string): void {
  try {
    copyFileSync(from, to);
    chmodSync(to, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
