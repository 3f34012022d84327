import { randomUUID } from 'node:crypto';
import { Database, type Tx } from '@ballast/database';
import { testDatabase } from '@ballast/testing';
import { Body, Controller, Inject, Module, Post } from '@nestjs/common';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { z } from 'zod';
import { Answer, defineErrors, defineService, Idempotency, IdempotencyKey, type IdempotentRequest } from '../src/index.js';
import { testService, type TestService } from '../src/testing.js';

const errors = defineErrors('TILL', { CLOSED: [409, 'The till is closed'] });
const amount = z.object({ amount: z.int(), note: z.string().optional() });
type Amount = z.output<typeof amount>;

class TillTables1700000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE till (id uuid PRIMARY KEY, amount int NOT NULL)');
  }
  async down(): Promise<void> {}
}

/** What the next request inside the transaction does before it answers. */
let meanwhile: (tx: Tx) => Promise<void> = async () => undefined;

@Controller('till')
class TillController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Idempotency) private readonly idempotency: Idempotency,
  ) {}

  @Post()
  pay(@IdempotencyKey() request: IdempotentRequest, @Body({ schema: amount }) body: Amount): Promise<Answer> {
    return this.database.transaction((tx) =>
      this.idempotency.run(tx, request, async () => {
        const id = randomUUID();
        await tx.query('INSERT INTO till (id, amount) VALUES ($1, $2)', [id, body.amount]);
        await meanwhile(tx);
        return { status: 201, body: { id }, headers: { Location: `/till/${id}` } };
      }),
    );
  }

  @Post('other')
  other(@IdempotencyKey() request: IdempotentRequest, @Body({ schema: amount }) body: Amount): Promise<Answer> {
    return this.pay(request, body);
  }
}

@Module({ controllers: [TillController] })
class TillModule {}

const manifest = defineService({ name: 'till', port: 3999, database: true });
let service: TestService;
let database: Awaited<ReturnType<typeof testDatabase>>;
let token: string;

beforeAll(async () => {
  database = await testDatabase('till');
  service = await testService(TillModule, manifest, { database: database.config, migrations: [TillTables1700000001000] });
  token = await service.token();
});
afterAll(async () => {
  await service?.close();
  await database?.drop();
});
afterEach(() => (meanwhile = async () => undefined));

const pay = (key: string | undefined, body: unknown = { amount: 5 }, more: { token?: string; path?: string } = {}) =>
  service.request(more.path ?? '/till', {
    method: 'POST',
    body,
    token: more.token ?? token,
    headers: key === undefined ? {} : { 'idempotency-key': key },
  });
const db = () => service.app.get(Database, { strict: false });
const booked = async () => Number((await db().primary.query('SELECT count(*) FROM till'))[0].count);

it('of 100 requests at once with one key exactly one takes effect', async () => {
  const before = await booked();
  const key = randomUUID();
  const answers = await Promise.all(Array.from({ length: 100 }, () => pay(key)));
  const done = answers.filter((a) => a.status === 201);
  const busy = answers.filter((a) => a.status === 409);
  expect(done.length).toBeGreaterThan(0);
  expect(done.length + busy.length).toBe(100);
  expect(new Set(done.map((a) => a.body.id)).size).toBe(1);
  for (const answer of busy) {
    expect(answer.body.code).toBe('IDEMPOTENCY_KEY_IN_USE');
    expect(answer.headers.get('retry-after')).toBe('1');
  }
  expect(await booked()).toBe(before + 1);
});

it('gives the same answer again: status, body and Location', async () => {
  const key = randomUUID();
  const first = await pay(key, { amount: 1, note: 'a' });
  const again = await pay(key, { note: 'a', amount: 1 });
  expect(again).toMatchObject({ status: 201, body: first.body });
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
});

it('422 for another body under the same key', async () => {
  const key = randomUUID();
  await pay(key, { amount: 1 });
  expect((await pay(key, { amount: 2 })).body).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
});

it('409 while the first is still running, and its answer afterwards', async () => {
  const key = randomUUID();
  let release = (): void => undefined;
  const inside = new Promise<void>((reached) => {
    meanwhile = () => new Promise<void>((resolve) => ((release = resolve), reached()));
  });
  const first = pay(key);
  await inside;
  const transactions = jest.spyOn(db(), 'transaction');
  expect((await pay(key)).body.code).toBe('IDEMPOTENCY_KEY_IN_USE');
  // Another process would ask the database; this one knows, and takes no connection from others.
  expect(transactions).not.toHaveBeenCalled();
  transactions.mockRestore();
  release();
  meanwhile = async () => undefined;
  const { body } = await first;
  expect((await pay(key)).body).toEqual(body);
});

it('leaves the key free after a 4xx and after a 5xx, with nothing written', async () => {
  const before = await booked();
  const key = randomUUID();
  meanwhile = async () => {
    throw errors.CLOSED();
  };
  expect((await pay(key)).body.code).toBe('TILL_CLOSED');
  meanwhile = async () => {
    throw new Error('broken');
  };
  expect((await pay(key, { amount: 9 })).body.code).toBe('INTERNAL');
  expect(await booked()).toBe(before);
  meanwhile = async () => undefined;
  expect((await pay(key, { amount: 10 })).status).toBe(201);
});

it('scopes the key to account and full path', async () => {
  const key = randomUUID();
  const ids = [
    (await pay(key)).body.id,
    (await pay(key, { amount: 5 }, { token: await service.token() })).body.id,
    (await pay(key, { amount: 5 }, { path: '/till/other' })).body.id,
  ];
  expect(new Set(ids).size).toBe(3);
});

it.each([
  ['is missing', undefined, 'IDEMPOTENCY_KEY_REQUIRED'],
  ['is too long', 'k'.repeat(256), 'IDEMPOTENCY_KEY_INVALID'],
  ['has a space', 'a b', 'IDEMPOTENCY_KEY_INVALID'],
  ['is not ASCII', 'é', 'IDEMPOTENCY_KEY_INVALID'],
])('400 when the key %s', async (_, key, code) => {
  expect((await pay(key)).body).toMatchObject({ status: 400, code });
});

it('keeps an answer for 24 hours, then the key is free, and what expired is deleted', async () => {
  const key = randomUUID();
  const first = await pay(key);
  const [row] = await db().primary.query("SELECT bool_and(expires_at - now() > interval '23 hours') AS day FROM idempotency_key");
  expect(row.day).toBe(true);
  await db().primary.query("UPDATE idempotency_key SET expires_at = now() - interval '1 second'");
  const second = await pay(key, { amount: 6 });
  expect(second.status).toBe(201);
  expect(second.body.id).not.toBe(first.body.id);
  expect((await db().retention.prune())['idempotency_key']).toBeGreaterThan(0);
  const [{ count }] = await db().primary.query('SELECT count(*)::int AS count FROM idempotency_key');
  expect(count).toBe(1);
});

it('keeps nothing of a request but hashes of it', async () => {
  await pay('a-key-that-tells', { amount: 77, note: 'tell nobody' });
  const rows = await db().primary.query('SELECT idempotency_key::text AS row FROM idempotency_key');
  const hex = (text: string) => Buffer.from(text).toString('hex');
  for (const text of ['tell nobody', 'a-key-that-tells']) {
    expect(JSON.stringify(rows)).not.toContain(text);
    expect(JSON.stringify(rows)).not.toContain(hex(text));
  }
});
