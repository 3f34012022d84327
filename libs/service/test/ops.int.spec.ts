import { randomUUID } from 'node:crypto';
import { CommitUnknownError, Database } from '@ballast/database';
import { MemoryBroker, memoryTransport } from '@ballast/messaging';
import { testDatabase } from '@ballast/testing';
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { z } from 'zod';
import { Audited, type AuditedWrite, defineErrors, defineService, OpsController } from '../src/index.js';
import { testService, type TestService } from '../src/testing.js';

const errors = defineErrors('VALVE', { JAMMED: [409, 'The valve is jammed'] });
const turn = z.object({ by: z.int(), how: z.enum(['well', 'jammed', 'broken', 'unknown', 'twice', 'not']).default('well') });

class ValveTable1700000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE valve (turned int NOT NULL)');
  }
  async down(): Promise<void> {}
}

@OpsController('valves')
class ValveController {
  @Get()
  look() {
    return { valves: 1 };
  }

  @Post('turns')
  async turn(@Body({ schema: turn }) { by, how }: z.output<typeof turn>, @Audited() write: AuditedWrite) {
    if (how === 'not') return { turned: 0 };
    for (let times = how === 'twice' ? 2 : 1; times > 0; times--)
      await write.run(async (tx, note) => {
        note({ by, comment: 'told by buyer@example.com', password: 'hunter2' });
        await tx.query('INSERT INTO valve (turned) VALUES ($1)', [by]);
        if (how === 'jammed') throw errors.JAMMED().with({ by });
        if (how === 'broken') throw new Error('secret detail');
      });
    if (how === 'unknown') throw new CommitUnknownError(new Error('connection lost'));
    return { turned: by };
  }
}

@Module({ controllers: [ValveController] })
class ValveModule {}

const manifest = defineService({ name: 'valve', port: 3999, database: true });
const operator = randomUUID();
let database: Awaited<ReturnType<typeof testDatabase>>;
let service: TestService;
let token: string;

beforeAll(async () => {
  database = await testDatabase('valve');
  const transport = memoryTransport({ broker: new MemoryBroker({ groups: [] }) });
  service = await testService(ValveModule, manifest, { database: database.config, migrations: [ValveTable1700000001000], transport });
  token = await service.token(operator, ['operator']);
});
afterAll(async () => {
  await service?.close();
  await database?.drop();
});
beforeEach(() => sql('TRUNCATE valve', 'owner'));

async function sql<T>(text: string, as: 'service' | 'owner' = 'service'): Promise<T> {
  if (as === 'service') return service.app.get(Database, { strict: false }).primary.query<T>(text);
  const { owner, ...config } = database.config;
  const own = await Database.open({ config: { ...config, ...owner, poolSize: 2 } });
  await own.ready;
  return own.primary.query<T>(text).finally(() => own.close());
}
const ask = (how: string, by: unknown = 3) => service.request('/ops/v1/valves/turns', { method: 'POST', token, body: { by, how } });
const turned = async () => (await sql<{ turned: number }[]>('SELECT turned FROM valve')).length;
const latest = async (count = 1) => (await service.request(`/ops/v1/audit?limit=${count}`, { token })).body.items;

describe('who may operate a service', () => {
  it('an account with the role; nobody else, and nobody without a token', async () => {
    const buyer = await service.token(randomUUID(), ['merchant']);
    for (const [path, method] of [['/ops/v1/valves'], ['/ops/v1/audit'], ['/ops/v1/valves/turns', 'POST']] as const) {
      const body = method && { body: { by: 1 } };
      const options = { ...(method && { method }), ...body };
      expect(await service.request(path, options)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
      expect(await service.request(path, { ...options, token: buyer })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    }
    expect(await turned()).toBe(0);
    expect(await service.request('/ops/v1/valves', { token })).toMatchObject({ status: 200, body: { valves: 1 } });
  });
});

describe('what an operator changes', () => {
  it('has a row in the audit that commits with the effect: who, when, what, in which trace', async () => {
    expect(await ask('well')).toMatchObject({ status: 201, body: { turned: 3 } });
    expect(await turned()).toBe(1);
    const [row] = await latest();
    expect(row).toMatchObject({
      ...{ accountId: operator, method: 'POST', path: '/ops/v1/valves/turns', what: 'valves.turn', outcome: 'DONE' },
      detail: { by: 3, comment: 'told by [redacted]', password: '[redacted]' },
    });
    expect(Math.abs(Date.parse(row.at) - Date.now())).toBeLessThan(60_000);
    const same = await sql<unknown[]>(
      'SELECT FROM ops_audit, valve WHERE ops_audit.xmin = valve.xmin AND ops_audit.id = (SELECT max(id) FROM ops_audit)',
    );
    expect(same).toHaveLength(1);
  });

  it.each([
    ['jammed', 409, 'VALVE_JAMMED', 'REFUSED', { by: 3 }],
    ['broken', 500, 'INTERNAL', 'FAILED', {}],
  ])('has one too when it fails: %s', async (how, status, code, outcome, detail) => {
    expect(await ask(how)).toMatchObject({ status, body: { code } });
    expect(await turned()).toBe(0);
    expect(await latest()).toMatchObject([{ what: 'valves.turn', outcome, code, detail }]);
  });

  it('and when the input does not fit, and when nothing was to be done', async () => {
    expect(await ask('well', 'much')).toMatchObject({ status: 400 });
    expect(await latest()).toMatchObject([{ outcome: 'REFUSED', code: 'VALIDATION_FAILED', detail: { errors: [{ path: 'by' }] } }]);
    expect(await ask('not')).toMatchObject({ status: 201 });
    expect(await latest()).toMatchObject([{ outcome: 'DONE', detail: {} }]);
  });

  it('has one for each of several transactions, and says of a lost COMMIT that it is not known', async () => {
    await ask('twice');
    expect((await latest(2)).map((row: { outcome: string }) => row.outcome)).toEqual(['DONE', 'DONE']);
    expect(await turned()).toBe(2);
    expect(await ask('unknown')).toMatchObject({ status: 503, body: { code: 'OUTCOME_UNKNOWN' } });
    expect(await latest()).toMatchObject([{ outcome: 'UNKNOWN', code: 'OUTCOME_UNKNOWN' }]);
  });

  it('is rolled back when its row cannot be written', async () => {
    await sql(`ALTER TABLE ops_audit ADD CONSTRAINT full_up CHECK (outcome <> 'DONE') NOT VALID`, 'owner');
    try {
      expect(await ask('well')).toMatchObject({ status: 500 });
    } finally {
      await sql('ALTER TABLE ops_audit DROP CONSTRAINT full_up', 'owner');
    }
    expect(await turned()).toBe(0);
  });

  it('is not taken back: the database refuses to change the audit or to delete from it for a year', async () => {
    await ask('well');
    await expect(sql(`UPDATE ops_audit SET what = 'nothing'`)).rejects.toThrow('ops_audit is append-only for a year');
    await expect(sql('DELETE FROM ops_audit')).rejects.toThrow('ops_audit is append-only for a year');
    await sql(
      `INSERT INTO ops_audit (at, account_id, method, path, what, outcome, detail)
       VALUES (now() - interval '401 days', '${operator}', 'POST', '/', 'valves.old', 'DONE', '{}')`,
    );
    expect(await service.app.get(Database, { strict: false }).retention.prune()).toMatchObject({ ops_audit: 1 });
  });
});

it('the audit is read page by page, the latest first, and by what was done', async () => {
  for (const by of [1, 2, 3]) await ask('well', by);
  const by = (answer: { body: { items: { detail: { by: number } }[] } }) => answer.body.items.map((item) => item.detail.by);
  const first = await service.request('/ops/v1/audit?limit=2&what=valves.turn', { token });
  expect(by(first)).toEqual([3, 2]);
  const second = await service.request(`/ops/v1/audit?limit=1&what=valves.turn&cursor=${first.body.nextCursor}`, { token });
  expect(by(second)).toEqual([1]);
  expect((await service.request('/ops/v1/audit?what=valves.close', { token })).body).toEqual({ items: [], nextCursor: null });
  expect(await service.request('/ops/v1/audit?cursor=zzz', { token })).toMatchObject({ status: 400 });
});

it('a write without a row in the audit does not start', async () => {
  @OpsController('careless')
  class CarelessController {
    @Post()
    change() {
      return {};
    }
  }
  @Controller('plain')
  class PlainController {
    @Post()
    change() {
      return {};
    }
  }
  @Module({ controllers: [CarelessController, PlainController] })
  class CarelessModule {}
  await expect(testService(CarelessModule, { ...manifest, database: false }, {})).rejects.toThrow(
    'CarelessController.change: a handler of an @OpsController that is no GET takes @Audited()',
  );
});
