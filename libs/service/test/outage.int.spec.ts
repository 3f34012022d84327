import { Database } from '@ballast/database';
import { eventually, faultProxy, testDatabase } from '@ballast/testing';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { createLogger } from '@ballast/tracing';
import { defineService, Open, startService } from '../src/index.js';
import { TestAuth } from '../src/testing.js';

@Controller('rows')
class RowsController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Open()
  @Get()
  rows() {
    return this.database.transaction((tx) => tx.query('SELECT 1 AS one'));
  }

  @Get('mine')
  mine() {
    return {};
  }
}

@Module({ controllers: [RowsController] })
class RowsModule {}

const manifest = defineService({ name: 'rows', port: 3999, database: true });
let database: Awaited<ReturnType<typeof testDatabase>>;
beforeAll(() => void createLogger({ service: 'rows', level: 'silent' }));
beforeAll(async () => void (database = await testDatabase('rows')));
afterAll(() => database?.drop());

const start = (config: object, auth: TestAuth['config']) =>
  startService(RowsModule, {
    manifest,
    host: '127.0.0.1',
    port: 0,
    instanceId: 'rows-test',
    logLevel: 'silent',
    http: { trustedProxies: [], rateLimit: 0, shutdownGrace: 0 },
    auth,
    database: { ...database.config, ...config },
  });
const get = async (url: string, token?: string) => {
  const response = await fetch(url, token ? { headers: { authorization: `Bearer ${token}` } } : {});
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { code?: string; status?: string; away?: string[] },
  };
};

it('listens while its database is away, answers 503, and works when it comes', async () => {
  const auth = await TestAuth.start();
  const proxy = await faultProxy(database.config.hosts[0]!);
  proxy.refuse();
  const service = await start({ hosts: [{ host: proxy.host, port: proxy.port }] }, auth.config);
  try {
    expect(await get(`${service.url}/health/live`)).toMatchObject({ status: 200 });
    expect(await get(`${service.url}/health/ready`)).toMatchObject({ status: 503, body: { status: 'starting', away: ['database'] } });
    const refused = await get(`${service.url}/rows`);
    expect(refused).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

    proxy.heal();
    await service.ready;
    expect(await get(`${service.url}/health/ready`)).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect((await get(`${service.url}/rows`)).status).toBe(200);

    proxy.refuse();
    await eventually(async () =>
      expect(await get(`${service.url}/health/ready`)).toMatchObject({ status: 200, body: { status: 'degraded', away: ['database'] } }),
    );
  } finally {
    await service.close();
    await proxy.close();
    await auth.stop();
  }
});

it('checks tokens with the keys it kept, when it starts while auth is away', async () => {
  const auth = await TestAuth.start();
  const config = auth.config;
  const token = await auth.token();
  const first = await start({}, config);
  await first.ready;
  await eventually(async () => {
    const rows = await first.app.get(Database, { strict: false }).primary.query('SELECT 1 FROM jwks_cache');
    expect(rows).toHaveLength(1);
  });
  await first.close();
  await auth.stop();

  const second = await start({}, config);
  await second.ready;
  try {
    await eventually(async () => expect((await get(`${second.url}/rows/mine`, token)).status).toBe(200));
    expect((await get(`${second.url}/health/ready`)).body).toEqual({ status: 'degraded', away: ['auth'] });
  } finally {
    await second.close();
  }
});
