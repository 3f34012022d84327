import { Client } from 'pg';
import { testDatabase, type TestDatabaseConfig } from '../src/index.js';

describe('a service database', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>;

  beforeAll(async () => {
    database = await testDatabase('shop');
    await as(database.config.owner, (client) => client.query('CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY, name text)'));
  });
  afterAll(() => database.drop());

  it('lets its role read and change rows that its owner made room for', async () => {
    await as(database.config, (client) => client.query(`INSERT INTO thing (name) VALUES ('one')`));
    const { rows } = await as(database.config, (client) => client.query('SELECT name FROM thing'));
    expect(rows).toEqual([{ name: 'one' }]);
  });

  it.each(['CREATE TABLE other (id int)', 'DROP TABLE thing', 'TRUNCATE thing', 'CREATE SCHEMA mine'])(
    'refuses its role: %s',
    async (sql) => {
      await expect(as(database.config, (client) => client.query(sql))).rejects.toThrow(/permission denied|must be owner/);
    },
  );

  it('lets no other service connect', async () => {
    const other = await testDatabase('other');
    try {
      await expect(as({ ...other.config, name: database.config.name }, (client) => client.query('SELECT 1'))).rejects.toThrow(
        /permission denied for database/,
      );
    } finally {
      await other.drop();
    }
  });

  it('reaches the replica', async () => {
    expect(database.config.hosts).toHaveLength(2);
    const { rows } = await as(database.config, (client) => client.query('SELECT pg_is_in_recovery() AS standby'), 1);
    expect(rows).toEqual([{ standby: true }]);
  });

  async function as<T>(role: Partial<TestDatabaseConfig>, work: (client: Client) => Promise<T>, host = 0): Promise<T> {
    const { name, hosts } = database.config;
    const client = new Client({ ...hosts[host], database: role.name ?? name, user: role.user, password: role.password });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
});
