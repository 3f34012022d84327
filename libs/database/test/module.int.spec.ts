import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { eventually, faultProxy, freePort } from '@ballast/testing';
import { metricsText } from '@ballast/tracing';
import { Database, DatabaseModule, NoPrimaryError } from '../src/index.js';
import { cleanup, freshConfig, Note, opened, schema } from './fixture.js';

@Injectable()
class Notebook {
  constructor(readonly database: Database) {}
}

async function application(config: Parameters<typeof opened>[0]) {
  @Module({ imports: [DatabaseModule.forRoot({ ...schema, config })], providers: [Notebook] })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  cleanup(() => app.close());
  return { app, database: app.get(Notebook).database };
}

describe('the module', () => {
  it('gives a database to every provider, and ends it with the application', async () => {
    const { app, database } = await application(await freshConfig());
    await database.ready;
    await database.transaction((tx) => tx.insert(Note, { id: 'a' }));
    const running = database.transaction((tx) => tx.query('SELECT pg_sleep(0.3)'));
    await eventually(() => expect(database.available).toBe(true));
    expect(await metricsText()).toMatch(/^ballast_db_available 1$/m);
    await app.close();
    await running;
    await expect(database.transaction(() => Promise.resolve())).rejects.toThrow();
  });

  it('lets an application start whose database is away', async () => {
    const { database } = await application({ ...(await freshConfig()), hosts: [{ host: '127.0.0.1', port: await freePort() }] });
    await expect(database.primary.find(Note)).rejects.toBeInstanceOf(NoPrimaryError);
    expect(await metricsText()).toMatch(/^ballast_db_available 0$/m);
  });

  it('ends in bounded time with a server that does not answer any more', async () => {
    const config = await freshConfig();
    const proxy = await faultProxy(config.hosts[0]!);
    cleanup(() => proxy.close());
    const { app, database } = await application({ ...config, hosts: [{ host: proxy.host, port: proxy.port }] });
    await database.ready;
    const stuck = expect(database.primary.query('SELECT pg_sleep(60)')).rejects.toThrow();
    await eventually(() => expect(proxy.connections).toBeGreaterThan(1));
    proxy.stall();
    await app.close();
    await stuck;
  });
});

describe('a session', () => {
  it('has limits, a name, and ends with its client', async () => {
    const config = { ...(await freshConfig()), statementTimeout: '700ms', lockTimeout: '300ms', applicationName: 'cart' } as const;
    const database = await opened(config);
    const [settings] = await database.primary
      .query(`SELECT current_setting('statement_timeout') statement, current_setting('lock_timeout') lock,
      current_setting('idle_in_transaction_session_timeout') idle, current_setting('client_connection_check_interval') "check",
      current_setting('application_name') name`);
    expect(settings).toEqual({ statement: '700ms', lock: '300ms', idle: '15s', check: '1s', name: 'cart' });
    await expect(database.primary.query('SELECT pg_sleep(5)')).rejects.toMatchObject({ code: '57014' });
  });

  it('that leaves its transaction idle too long has written nothing', async () => {
    const database = await opened({ ...(await freshConfig()), idleInTransactionTimeout: '1s' });
    const work = database.transaction(async (tx) => {
      await tx.insert(Note, { id: 'a' });
      await eventually(() => expect(tx.queryRunner!.isReleased).toBe(true));
    });
    await expect(work).rejects.toThrow('lost before COMMIT');
    expect(await database.primary.count(Note)).toBe(0);
  });

  it('is counted in the metrics of its pool', async () => {
    const database = await opened(await freshConfig());
    await Promise.all(Array.from({ length: 9 }, () => database.primary.query('SELECT pg_sleep(0.05)')));
    const metrics = await metricsText();
    const idle = Number(/ballast_db_pool\{pool="primary",state="idle"\} (\d+)/.exec(metrics)?.[1]);
    expect(idle).toBeGreaterThanOrEqual(5);
    for (const pool of ['replica', 'byIndex']) expect(metrics).toContain(`ballast_db_pool{pool="${pool}",state="busy"}`);
  });
});
