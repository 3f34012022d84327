import type { Duration } from '@ballast/resilience';

/** One Postgres server of the cluster. */
export interface Host {
  host: string;
  port: number;
}

/** A database role and its password. */
export interface Credentials {
  user: string;
  password: string;
}

/** What a service needs to reach its database. */
export interface DatabaseConfig {
  /** Every server of the cluster, in any order: the primary is found, and followed. */
  hosts: Host[];
  /** The database's name. */
  name: string;
  /** The runtime role: reads and writes rows, creates nothing. */
  user: string;
  password: string;
  /** The role that owns the schema and runs migrations. Default: the runtime role itself. */
  owner?: Credentials;
  /** Connections to the primary. Default 5. */
  poolSize?: number;
  /** The server cancels a statement after this. Default 10 s. */
  statementTimeout?: Duration;
  /** The server ends a session that leaves its transaction idle for this long. Default 15 s. */
  idleInTransactionTimeout?: Duration;
  /** The server gives up waiting for a lock after this. Default 5 s. */
  lockTimeout?: Duration;
  /** Shown in `pg_stat_activity`. Default: the database's name. */
  applicationName?: string;
}

export const sameHost = (a: Host | undefined, b: Host | undefined): boolean => a?.host === b?.host && a?.port === b?.port;
export const hostName = ({ host, port }: Host): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/**
 * Reads a host list in the manner of libpq: `a:5432,b:5433,[::1]:5432`; a missing port is 5432.
 * Throws a TypeError that names the entry that is wrong.
 */
export function parseHosts(list: string): Host[] {
  const hosts = list.split(',').map((entry) => parseHost(entry.trim(), list));
  const names = hosts.map(hostName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new TypeError(`host list "${list}" names ${twice} twice`);
  return hosts;
}

function parseHost(entry: string, list: string): Host {
  if (!entry) throw new TypeError(`host list "${list}" has an empty entry; expected host:port,host:port`);
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_.-]+))(?::(.*))?$/.exec(entry);
  if (!match) throw new TypeError(`host list "${list}": "${entry}" is not host:port (an IPv6 address is written [::1]:5432)`);
  const port = match[3] === undefined ? 5432 : Number(match[3]);
  if (!/^\d+$/.test(match[3] ?? '5432') || port < 1 || port > 65_535)
    throw new TypeError(`host list "${list}": "${match[3]}" in "${entry}" is not a port (1–65535)`);
  return { host: match[1] ?? match[2]!, port };
}
