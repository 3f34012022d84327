import { randomUUID } from 'node:crypto';
import { Database, type Tx } from '@ballast/database';
import { command, type CommandOf, encode, event, type EventOf, type WireRecord } from '@ballast/message';
import { Consume, MemoryBroker, memoryTransport, type Transport } from '@ballast/messaging';
import { Saga, saga } from '@ballast/saga';
import { eventually, testDatabase } from '@ballast/testing';
import { Injectable, Module } from '@nestjs/common';
import { z } from 'zod';
import { defineService } from '../src/index.js';
import { testService, type TestService } from '../src/testing.js';

const happened = event('shop.happened.v1', { key: (p) => p.key, payload: z.object({ key: z.string(), name: z.string() }) });
const work = command('depot.work.v1', { payload: z.object({ name: z.string() }) });

const broken = new Set<string>();
const handled: string[] = [];

@Injectable()
class Handlers {
  @Consume(happened)
  async on({ payload }: EventOf<typeof happened>): Promise<void> {
    if (broken.has(payload.name)) throw new Error(`${payload.name} is broken`);
    handled.push(payload.name);
  }
  @Consume(work)
  async work({ payload }: CommandOf<typeof work>): Promise<void> {
    if (broken.has(payload.name)) throw new Error('broken');
  }
}

const told: string[] = [];
@Saga()
@Injectable()
class Delivery {
  readonly definition = saga<{ cardToken: string; place: string }>('delivery.v1')
    .pivot('load', { do: () => Promise.resolve() })
    .step('drive', { do: () => Promise.resolve() })
    .onRejected((_: unknown, tx: Tx, { code, message }) => Promise.resolve(void [tx, told.push(`${code}: ${message}`)]));
}

@Module({ providers: [Handlers, Delivery] })
class DepotModule {}

const manifest = defineService({ name: 'depot', port: 3999, database: true, messages: [happened, work], consumes: [happened] });
const operator = randomUUID();
let database: Awaited<ReturnType<typeof testDatabase>>;
let service: TestService;
let sender: Transport;
let token: string;

beforeAll(async () => {
  database = await testDatabase('depot');
  const broker = new MemoryBroker({ groups: ['depot'] });
  service = await testService(DepotModule, manifest, { database: database.config, sagas: true, transport: memoryTransport({ broker }) });
  token = await service.token(operator, ['operator']);
  sender = memoryTransport({ broker });
  await sender.connect([happened.topic, work.topic]);
});
afterAll(async () => {
  await sender?.close();
  await service?.close();
  await database?.drop();
});
afterEach(() => broken.clear());

/** As a relay does: again, until every record is handled; what has had its effect is known by its id. */
const send = (...records: WireRecord[]) => eventually(() => sender.send(records), { timeout: 45_000 });
const sql = <T>(text: string, values: unknown[] = []) => service.app.get(Database, { strict: false }).primary.query<T>(text, values);
const get = (path: string) => service.request(`/ops/v1${path}`, { token });
const post = (path: string, body?: unknown) =>
  service.request(`/ops/v1${path}`, { method: 'POST', token, ...(body !== undefined && { body }) });
const audit = async (count: number) => (await get(`/audit?limit=${count}`)).body.items.reverse();

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const envelope = (type: string, key: string, payload: unknown) => ({
  ...{ id: randomUUID(), source: '/test', type, key, time: new Date(), payload },
  trace: { traceparent },
});
const eventOf = (key: string, name: string): WireRecord => encode(happened.topic, envelope(happened.type, key, { key, name }));
const letters = async (key: string) =>
  (await get(`/dead-letters?limit=100&topic=${happened.topic}`)).body.items.filter((letter: { key: string }) => letter.key === key);

async function poisoned(...behind: string[]): Promise<{ key: string; ids: string[] }> {
  const key = randomUUID();
  const names = ['poison', ...behind].map((name) => `${name} ${key}`);
  broken.add(names[0]!);
  await send(...names.map((name) => eventOf(key, name)));
  const found = await eventually(async () => {
    const all = await letters(key);
    expect(all).toHaveLength(names.length);
    return all as { id: string }[];
  });
  return { key, ids: found.map(({ id }) => id) };
}

describe('dead letters', () => {
  it('are listed and shown with reason, attempts, what they wait for, and their trace', async () => {
    const { key, ids } = await poisoned('second');
    expect(await letters(key)).toMatchObject([
      {
        ...{ id: ids[0], status: 'OPEN', kind: 'event', reason: 'HANDLER_FAILED', attempts: 3, behind: 1 },
        ...{ type: happened.type, error: `Error: poison ${key} is broken`, traceId: traceparent.slice(3, 35) },
      },
      { id: ids[1], reason: 'KEY_PARKED', waitsFor: ids[0] },
    ]);
    const { body } = await get(`/dead-letters/${ids[0]}`);
    expect(body).toMatchObject({
      headers: { ce_type: happened.type, traceparent },
      payload: JSON.stringify({ key, name: `poison ${key}` }),
    });
    expect(await get('/dead-letters?status=OPEN&limit=1')).toMatchObject({
      body: { items: [{}], nextCursor: expect.any(String) as string },
    });
    expect(await get('/dead-letters/4711')).toMatchObject({ status: 404, body: { code: 'DEAD_LETTER_NOT_FOUND' } });
    expect(await get('/dead-letters/x')).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
    broken.clear();
    await post(`/dead-letters/${ids[0]}/replay`);
  });

  it('one request replays a letter and those behind it, each with its own row in the audit; again it does nothing', async () => {
    const { key, ids } = await poisoned('second', 'third');
    expect(await post(`/dead-letters/${ids[0]}/replay`)).toMatchObject({
      status: 200,
      body: { letters: [{ id: ids[0], outcome: 'FAILED', error: expect.stringContaining('is broken') as string }], left: 3, next: ids[0] },
    });
    expect(await audit(1)).toMatchObject([{ what: 'dead-letters.replay', outcome: 'DONE', detail: { letter: ids[0], came: 'FAILED' } }]);
    broken.clear();
    expect((await post(`/dead-letters/${ids[0]}/replay`)).body).toEqual({
      letters: ids.map((id) => ({ id, outcome: 'REPLAYED' })),
      left: 0,
    });
    expect(handled.slice(-3)).toEqual([`poison ${key}`, `second ${key}`, `third ${key}`]);
    expect(await audit(3)).toMatchObject(
      ids.map((letter) => ({ accountId: operator, what: 'dead-letters.replay', outcome: 'DONE', detail: { letter, came: 'REPLAYED' } })),
    );
    expect((await post(`/dead-letters/${ids[0]}/replay`)).body).toEqual({ letters: [{ id: ids[0], outcome: 'ALREADY' }], left: 0 });
    expect((await post(`/dead-letters/${ids[0]}/discard`)).body).toMatchObject({ status: 409, code: 'DEAD_LETTER_SETTLED' });
    expect(await audit(1)).toMatchObject([{ outcome: 'REFUSED', code: 'DEAD_LETTER_SETTLED', detail: { letter: ids[0] } }]);
  });

  it('a discard lets those behind it have their turn', async () => {
    const { key, ids } = await poisoned('second');
    expect((await post(`/dead-letters/${ids[1]}/replay`)).body).toMatchObject({ code: 'DEAD_LETTER_WAITS', first: ids[0] });
    expect((await post(`/dead-letters/${ids[0]}/discard`, { note: 'never meant' })).body).toEqual({
      letters: [
        { id: ids[0], outcome: 'DISCARDED' },
        { id: ids[1], outcome: 'REPLAYED' },
      ],
      left: 0,
    });
    expect(handled).toContain(`second ${key}`);
    expect(handled).not.toContain(`poison ${key}`);
    expect(await letters(key)).toMatchObject([{ status: 'DISCARDED', note: 'never meant' }, { status: 'REPLAYED' }]);
    expect(await audit(2)).toMatchObject([{ what: 'dead-letters.discard', detail: { letter: ids[0], note: 'never meant' } }, {}]);
  });

  it('a command is refused with the saga that was told', async () => {
    const key = randomUUID();
    broken.add(key);
    await send(encode(work.topic, { ...envelope(work.type, key, { name: key }), replyTo: 'depot.replies', sagaId: key }));
    const [letter] = await eventually(async () => {
      const { items } = (await get(`/dead-letters?topic=${work.topic}&status=OPEN`)).body;
      expect(items).toHaveLength(1);
      return items as { id: string }[];
    });
    expect(await post(`/dead-letters/${letter!.id}/replay`)).toMatchObject({
      status: 409,
      body: { code: 'DEAD_LETTER_IS_COMMAND', sagaId: key, asker: 'depot' },
    });
    expect(await audit(1)).toMatchObject([{ outcome: 'REFUSED', code: 'DEAD_LETTER_IS_COMMAND', detail: { sagaId: key } }]);
  });
});

describe('the outbox', () => {
  it('leaves in as many lanes as an operator says, from 1 to 64, and the audit knows who said so', async () => {
    const put = (lanes: unknown) =>
      service.request('/ops/v1/outbox/lanes', { method: 'PUT', token, body: { lanes, note: 'sale tomorrow' } });
    const { generation } = (await put(1)).body as { generation: string };
    for (let again = 0; again < 2; again++) expect((await put(3)).body).toEqual({ lanes: 3, generation: String(Number(generation) + 1) });
    expect(await audit(1)).toMatchObject([{ what: 'outbox.lanes', outcome: 'DONE', detail: { lanes: 3, note: 'sale tomorrow' } }]);
    await eventually(async () =>
      expect((await get('/outbox')).body).toMatchObject({
        lanes: [0, 1, 2].map((lane) => ({ lane, owner: expect.any(String) as string })),
      }),
    );
    for (const wrong of [0, 65, 1.5, '3', null]) expect((await put(wrong)).body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect((await put(1)).body).toMatchObject({ lanes: 1 });
  });

  const park = async (topic: string, key: string) => {
    const [{ id }] = await sql<[{ id: string }]>(
      `INSERT INTO outbox (id, topic, key, headers, payload, parked_at, error)
       VALUES (nextval('outbox_id_seq'), $1, $2, $3, '{}', now(), 'MESSAGE_TOO_LARGE') RETURNING id`,
      [topic, key, JSON.stringify({ ce_type: happened.type, ce_id: randomUUID(), traceparent })],
    );
    return id;
  };

  it('is told by lane, with what the broker refuses; a retry sends it, a discard lets those behind it go', async () => {
    await eventually(async () => expect((await get('/outbox')).body).toMatchObject({ pending: 0 }));
    const [one, two] = [await park(happened.topic, randomUUID()), await park(happened.topic, 'full')];
    await sql(
      `INSERT INTO outbox (id, topic, key, headers, payload) VALUES (nextval('outbox_id_seq'), $1, 'full', '{"ce_type": "shop.other.v1"}', '{}')`,
      [happened.topic],
    );
    expect((await get('/outbox')).body).toMatchObject({ pending: 1, parked: 2, lanes: [{ lane: 0, parked: 2, pending: 1 }] });
    expect((await get('/outbox/parked')).body.items).toMatchObject([
      { id: one, error: 'MESSAGE_TOO_LARGE', type: happened.type, behind: 0, traceId: traceparent.slice(3, 35) },
      { id: two, key: 'full', behind: 1 },
    ]);
    expect((await post(`/outbox/parked/${one}/retry`)).body).toEqual({ id: one, outcome: 'RETRIED' });
    expect((await post(`/outbox/parked/${two}/discard`, { note: 'too large' })).body).toEqual({ id: two, outcome: 'DISCARDED' });
    expect(await audit(2)).toMatchObject([
      { what: 'outbox.retry', detail: { row: one } },
      { what: 'outbox.discard', detail: { row: two, topic: happened.topic, key: 'full', note: 'too large' } },
    ]);
    await eventually(async () => expect((await get('/outbox')).body).toMatchObject({ pending: 0, parked: 0, oldestSeconds: 0 }));
    expect((await post(`/outbox/parked/${one}/retry`)).body).toMatchObject({ status: 404, code: 'OUTBOX_ROW_NOT_PARKED' });
  });

  it('and what is still to be read', async () => {
    expect((await get('/lag')).body).toMatchObject({ instance: 'depot-test', messages: 0 });
  });
});

describe('sagas', () => {
  const stuck = async () => {
    const id = randomUUID();
    await sql(
      `INSERT INTO saga (id, definition, state, status, step, step_name, direction, round, attempts, failure, trace, entries)
       VALUES ($1, 'delivery.v1', $2, 'STUCK', 1, 'drive', 'forward', 0, 8, $3, $4, 0)`,
      [
        id,
        JSON.stringify({ cardToken: 'tok_ok', place: 'harbour' }),
        JSON.stringify({ step: 'drive', code: 'NO_FUEL', message: 'none' }),
        JSON.stringify({ traceparent }),
      ],
    );
    return id;
  };

  it('are listed by state and shown with their timelines; one that is stuck is resumed', async () => {
    const id = await stuck();
    const { items } = (await get('/sagas?state=STUCK')).body;
    expect(items).toMatchObject([
      { id, step: 'drive', direction: 'forward', attempts: 8, failure: { code: 'NO_FUEL' }, traceId: traceparent.slice(3, 35) },
    ]);
    expect((await get(`/sagas/${id}`)).body).toMatchObject({
      status: 'STUCK',
      state: { cardToken: '[redacted]', place: 'harbour' },
      timeline: [],
    });
    expect((await post(`/sagas/${id}/resume`)).body).toEqual({ id, outcome: 'RESUMED' });
    const { body } = await get(`/sagas/${id}`);
    expect(body).toMatchObject({ status: 'COMPLETED' });
    expect(body.timeline.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['resumed', 'succeeded', 'completed']);
    expect(await audit(1)).toMatchObject([{ what: 'sagas.resume', outcome: 'DONE', detail: { saga: id } }]);
    expect((await post(`/sagas/${id}/resume`)).body).toMatchObject({ status: 409, code: 'SAGA_NOT_STUCK' });
    expect(await audit(1)).toMatchObject([{ what: 'sagas.resume', outcome: 'REFUSED', code: 'SAGA_NOT_STUCK' }]);
  });

  it('or abandoned for a reason, which its onRejected hears of', async () => {
    const id = await stuck();
    expect((await post(`/sagas/${id}/abandon`, {})).body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect((await post(`/sagas/${id}/abandon`, { reason: 'the lorry sank' })).body).toEqual({ id, outcome: 'ABANDONED' });
    expect(told).toEqual(['ABANDONED: the lorry sank']);
    expect((await get(`/sagas/${id}`)).body).toMatchObject({
      status: 'ABANDONED',
      failure: { step: 'drive', code: 'ABANDONED', message: 'the lorry sank' },
    });
    expect((await get('/sagas')).body.items).toEqual([]);
    expect((await get('/sagas?state=ABANDONED')).body.items).toHaveLength(1);
    expect(await audit(1)).toMatchObject([{ what: 'sagas.abandon', outcome: 'DONE', detail: { saga: id, reason: 'the lorry sank' } }]);
    expect((await post(`/sagas/${randomUUID()}/abandon`, { reason: 'x' })).body).toMatchObject({ status: 404, code: 'SAGA_NOT_FOUND' });
  });
});

it('every write asks for the role, and none has a row of somebody without it', async () => {
  const [{ count: before }] = await sql<[{ count: string }]>('SELECT count(*) FROM ops_audit');
  const merchant = await service.token(randomUUID(), ['merchant']);
  const id = randomUUID();
  const writes = [
    ['POST', 'dead-letters/1/replay'],
    ['POST', 'dead-letters/1/discard'],
    ['POST', 'outbox/parked/1/retry'],
    ['POST', 'outbox/parked/1/discard'],
    ['PUT', 'outbox/lanes'],
    ['POST', `sagas/${id}/resume`],
    ['POST', `sagas/${id}/abandon`],
  ] as const;
  for (const [method, path] of writes) {
    expect([path, (await service.request(`/ops/v1/${path}`, { method, token: merchant })).status]).toEqual([path, 403]);
    expect([path, (await service.request(`/ops/v1/${path}`, { method })).status]).toEqual([path, 401]);
  }
  for (const path of ['dead-letters', 'outbox', 'outbox/parked', 'lag', 'sagas', 'audit'])
    expect([path, (await service.request(`/ops/v1/${path}`, { token: merchant })).status]).toEqual([path, 403]);
  expect(await sql('SELECT count(*) FROM ops_audit')).toEqual([{ count: before }]);
});
