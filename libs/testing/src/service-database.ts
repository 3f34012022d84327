import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { randomSecret, uniqueName } from './names.js';
import type { Host } from './ports.js';
import type { PostgresAccess } from './postgres.js';
import { testPostgres } from './test-environment.js';

/** What a service needs to reach its database: shaped as @ballast/database's `DatabaseConfig`. */
export interface TestDatabaseConfig {
  hosts: Host[];
  name: string;
  user: string;
  password: string;
  owner: { user: string; password: string };
}

/**
 * A service's database and its two roles: `<name>_owner` owns it and runs migrations, `<name>` may only read and change rows.
 * Nobody else may connect. May be called again, e.g. with new passwords.
 */
export async function createServiceDatabase(
  postgres: PostgresAccess,
  name: string,
  { password, ownerPassword }: { password: string; ownerPassword: string },
): Promise<void> {
  const [database, role, owner] = [name, name, `${name}_owner`].map(escapeIdentifier) as [string, string, string];
  await asSuperuser(postgres, 'postgres', async (client) => {
    await createRole(client, name, password);
    await createRole(client, `${name}_owner`, ownerPassword);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${database} OWNER ${owner}`);
    await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${role}`);
  });
  await asSuperuser(postgres, name, async (client) => {
    await client.query(`
      ALTER SCHEMA public OWNER TO ${owner};
      REVOKE ALL ON SCHEMA public FROM PUBLIC;
      GRANT USAGE ON SCHEMA public TO ${role};
      ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${role};
      ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} GRANT USAGE ON SEQUENCES TO ${role};
      ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} GRANT USAGE ON SCHEMAS TO ${role};`);
  });
}

/** Drops a service's database and roles; ends the sessions that are still in it. */
async function dropServiceDatabase(postgres: PostgresAccess, name: string): Promise<void> {
  await asSuperuser(postgres, 'postgres', async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
    await client.query(`DROP ROLE IF EXISTS ${escapeIdentifier(name)}, ${escapeIdentifier(`${name}_owner`)}`);
  });
}

/** A fresh database, as a service gets it, on the Postgres of this test run. Hosts: the primary, then its replica. */
export async function testDatabase(name = 'test'): Promise<{ config: TestDatabaseConfig; drop(): Promise<void> }> {
  const postgres = testPostgres();
  const database = uniqueName(name);
  const [password, ownerPassword] = [randomSecret(), randomSecret()];
  await createServiceDatabase(postgres, database, { password, ownerPassword });
  return {
    config: {
      hosts: postgres.replica ? [postgres.primary, postgres.replica] : [postgres.primary],
      name: database,
      user: database,
      password,
      owner: { user: `${database}_owner`, password: ownerPassword },
    },
    drop: () => dropServiceDatabase(postgres, database),
  };
}

async function createRole(client: Client, name: string, password: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
  await client.query(`${verb} ROLE ${escapeIdentifier(name)} LOGIN PASSWORD ${escapeLiteral(password)}`);
}

async function asSuperuser(postgres: PostgresAccess, database: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ ...postgres.primary, ...postgres.superuser, database, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
