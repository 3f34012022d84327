import type { Tx } from '@ballast/database';
import { command, encode, event, type CommandOf, type EventOf, type Reply, type WireRecord } from '@ballast/message';
import { faultProxy, type FaultProxy } from '@ballast/testing';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Consume, refuse, Refused, Replies, type Batch, type Transport } from '../src/index.js';
import { Cleanup, freshDatabase, newTransport, serviceName, startService, type TestService, eventually, sendSurely } from './harness.js';

const shop = serviceName();
const name = serviceName('reader');
const happened = event(`${shop}.happened.v1`, { key: (p) => p.key, payload: z.object({ key: z.string(), name: z.string() }) });
const work = command(`${name}.work.v1`, {
  payload: z.object({ name: z.string() }),
  reply: z.object({ done: z.string() }),
  failures: ['NO_THANKS'],
});

const write = (tx: Tx, effect: string) => tx.query('INSERT INTO effect (name) VALUES ($1)', [effect]);

@Injectable()
class Handlers implements OnModuleInit {
  readonly tries = new Map<string, number>();
  readonly replies: { commandId: string; sagaId: string; reply: Reply }[] = [];
  constructor(private readonly inbox: Replies) {}

  onModuleInit(): void {
    this.inbox.handle(async ({ commandId, sagaId, reply }) => void this.replies.push({ commandId, sagaId, reply }));
  }

  @Consume(happened)
  async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
    this.tries.set(payload.name, (this.tries.get(payload.name) ?? 0) + 1);
    await write(tx, payload.name);
    if (payload.name.startsWith('poison')) throw new Error('cannot handle someone@example.com');
    if (payload.name.startsWith('swallowed')) await tx.query('SELECT 1/0').catch(() => undefined);
  }

  @Consume(work)
  async work({ payload }: CommandOf<typeof work>, tx: Tx) {
    await write(tx, payload.name);
    if (payload.name === 'break') throw new Error('broken');
    if (payload.name === 'refuse') return refuse('NO_THANKS', 'the effect stays');
    if (payload.name === 'throw') throw new Refused('NO_THANKS', 'the effect goes');
    return { done: payload.name };
  }
}
// The method's parameter types are erased; Nest reads the constructor's.
Reflect.defineMetadata('design:paramtypes', [Replies], Handlers);

const cleanup = new Cleanup();
let service: TestService;
let handlers: Handlers;
let proxy: FaultProxy;
let transport: Transport;
/** What the service's own transport does before it hands a batch over. */
let tamper: (batch: Batch) => Batch = (batch) => batch;

beforeAll(async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  proxy = await faultProxy(config.hosts[0]!);
  cleanup.add(() => proxy.close());
  const kafka = newTransport();
  const tampering: Transport = {
    connect: (topics) => kafka.connect(topics),
    send: (records) => kafka.send(records),
    subscribe: (o) => kafka.subscribe({ ...o, onBatch: (batch) => o.onBatch(tamper(batch)) }),
    whenConnected: (signal) => kafka.whenConnected(signal),
    close: () => kafka.close(),
    get connected() {
      return kafka.connected;
    },
    get consuming() {
      return kafka.consuming;
    },
  };
  service = await startService({
    name,
    definitions: [happened, work],
    consumes: [happened],
    providers: [Handlers],
    config: { ...config, hosts: [proxy] },
    transport: tampering,
  });
  cleanup.add(() => service.stop());
  handlers = service.app.get(Handlers);
  transport = newTransport('sender');
  cleanup.add(() => transport.close());
  await transport.connect([happened.topic, work.topic, `${name}.replies`]);
});
afterAll(() => cleanup.run());
afterEach(() => {
  tamper = (batch) => batch;
});

const envelope = (type: string, key: string, payload: unknown, id: string = randomUUID()) => ({
  id,
  source: '/test',
  type,
  key,
  time: new Date(),
  payload,
  trace: {},
});
const eventOf = (key: string, effect: string, id?: string) =>
  encode(happened.topic, envelope(happened.type, key, { key, name: effect }, id));
const commandOf = (effect: string, id: string = randomUUID(), payload: unknown = { name: effect }) =>
  encode(work.topic, { ...envelope(work.type, `saga-of-${id}`, payload, id), replyTo: `${name}.replies`, sagaId: `saga-of-${id}` });
const effects = () => service.effects();
const seen = (effect: string) => eventually(async () => expect(await effects()).toContain(effect));
const letters = () =>
  service.rows<{ key: string; reason: string; error: string; payload: string; attempts: number; trace_id: string | null }>(
    'SELECT key, reason, error, payload, attempts, trace_id FROM dead_letter ORDER BY id',
  );
const repliesTo = (id: string) => handlers.replies.filter((r) => r.commandId === id).map((r) => r.reply);
/** Two keys on one partition of twelve, found by what the broker itself does. */
async function samePartition(): Promise<[string, string]> {
  const batches = new Map<string, number>();
  tamper = (batch) => {
    for (const record of batch.records) batches.set(record.key, batch.partition);
    return batch;
  };
  const keys = Array.from({ length: 13 }, () => randomUUID());
  await sendSurely(
    transport,
    keys.map((key) => eventOf(key, `probe ${key}`)),
  );
  await eventually(() => expect(keys.every((key) => batches.has(key))).toBe(true));
  const [one, other] = keys.flatMap((a) =>
    keys.filter((b) => a !== b && batches.get(a) === batches.get(b)).map((b) => [a, b] as const),
  )[0]!;
  return [one, other];
}

it('sets a poison event aside after three tries: its key waits, the rest of its partition goes on', async () => {
  const [bad, good] = await samePartition();
  await sendSurely(transport, [
    eventOf(good, 'g1'),
    eventOf(bad, 'b1'),
    eventOf(bad, 'poison'),
    eventOf(good, 'g2'),
    eventOf(bad, 'b2'),
    eventOf(good, 'g3'),
  ]);
  await seen('g3');
  expect(handlers.tries.get('poison')).toBeGreaterThanOrEqual(3);
  const all = await effects();
  expect(all.filter((e) => ['g1', 'b1', 'poison', 'g2', 'b2', 'g3'].includes(e))).toEqual(['g1', 'b1', 'g2', 'g3']);
  await sendSurely(transport, [eventOf(bad, 'b3'), eventOf(good, 'g4')]);
  await seen('g4');
  const buried = (await letters()).filter((l) => l.key === bad);
  expect(buried.map((l) => [(JSON.parse(l.payload) as { name: string }).name, l.reason])).toEqual([
    ['poison', 'HANDLER_FAILED'],
    ['b2', 'KEY_PARKED'],
    ['b3', 'KEY_PARKED'],
  ]);
  expect(buried[0]!.attempts).toBe(3);
  expect(buried[0]!.error).not.toContain('example.com');
  await eventually(async () => expect(await service.rows('SELECT 1 FROM outbox')).toHaveLength(0));
});

it('does not take a failed statement that a handler swallowed for a success', async () => {
  await sendSurely(transport, [eventOf('swallow', 'swallowed')]);
  await eventually(async () => expect((await letters()).some((l) => l.key === 'swallow')).toBe(true));
  expect(await effects()).not.toContain('swallowed');
});

it('dead-letters what it cannot read, and answers a command it cannot read', async () => {
  const broken: WireRecord = { ...eventOf('broken', 'x'), value: 'not json \0' };
  const wrong = encode(happened.topic, envelope(happened.type, 'wrong', { key: 'wrong' }));
  const headless: WireRecord = { topic: happened.topic, key: 'headless', value: '{}', headers: {} };
  const foreign = encode(happened.topic, envelope(`${shop}.unknown.v1`, 'foreign', {}));
  await sendSurely(transport, [broken, wrong, headless, foreign, eventOf('after', 'after the unreadable')]);
  const id = randomUUID();
  await sendSurely(transport, [commandOf('x', id, { nonsense: true })]);
  await eventually(() => expect(repliesTo(id)).toEqual([expect.objectContaining({ outcome: 'failed', code: 'HANDLER_FAILED' })]));
  await seen('after the unreadable');
  const found = await eventually(async () => {
    const all = (await letters()).filter((l) => ['broken', 'wrong', 'headless', 'foreign'].includes(l.key));
    expect(all).toHaveLength(3);
    return all;
  });
  expect(Object.fromEntries(found.map((l) => [l.key, l.reason]))).toEqual({
    broken: 'INVALID_MESSAGE',
    wrong: 'INVALID_PAYLOAD',
    headless: 'INVALID_MESSAGE',
  });
});

describe('a command', () => {
  it('is answered with what its handler returns', async () => {
    const [id, refused, thrown] = [randomUUID(), randomUUID(), randomUUID()];
    await sendSurely(transport, [commandOf('do it', id), commandOf('refuse', refused), commandOf('throw', thrown)]);
    await eventually(() => expect(repliesTo(thrown)).toHaveLength(1));
    await eventually(() => expect(repliesTo(id)).toEqual([{ outcome: 'succeeded', result: { done: 'do it' } }]));
    await eventually(() => expect(repliesTo(refused)).toEqual([{ outcome: 'failed', code: 'NO_THANKS', message: 'the effect stays' }]));
    expect(repliesTo(thrown)).toEqual([{ outcome: 'failed', code: 'NO_THANKS', message: 'the effect goes' }]);
    const all = await effects();
    expect(all).toContain('refuse');
    expect(all).not.toContain('throw');
    expect(handlers.replies.find((r) => r.commandId === id)!.sagaId).toBe(`saga-of-${id}`);
  });

  it('whose handler breaks is answered with a failure, together with its dead letter', async () => {
    const id = randomUUID();
    await sendSurely(transport, [commandOf('break', id)]);
    await eventually(() => expect(repliesTo(id)).toEqual([expect.objectContaining({ outcome: 'failed', code: 'HANDLER_FAILED' })]));
    expect((await letters()).map((l) => [l.key, l.reason])).toContainEqual([`saga-of-${id}`, 'HANDLER_FAILED']);
    const next = commandOf('next of the same saga');
    await sendSurely(transport, [{ ...next, key: `saga-of-${id}` }]);
    await seen('next of the same saga');
  });

  it('that comes again is not done again, but answered again: the answer may have been lost', async () => {
    const id = randomUUID();
    await sendSurely(transport, [commandOf('once', id)]);
    await eventually(() => expect(repliesTo(id)).toHaveLength(1));
    await sendSurely(transport, [commandOf('once', id)]);
    await eventually(() => expect(repliesTo(id)).toHaveLength(2));
    await sendSurely(transport, [commandOf('once', id), commandOf('once', id)]);
    await eventually(() => expect(repliesTo(id)).toHaveLength(4));
    expect(new Set(repliesTo(id).map((r) => JSON.stringify(r))).size).toBe(1);
    expect((await effects()).filter((e) => e === 'once')).toHaveLength(1);
  });
});

it('has one effect when it crashes between the commit of the effect and the commit of the offset', async () => {
  let crashes = 0;
  tamper = (batch) => ({
    ...batch,
    get active() {
      return batch.active;
    },
    commit: async (next) => {
      if (batch.topic === happened.topic && crashes++ < 2) throw new Error('crashed before the offset');
      await batch.commit(next);
    },
  });
  await sendSurely(transport, [eventOf('crash', 'survives a crash')]);
  await eventually(() => expect(crashes).toBeGreaterThan(2));
  await sendSurely(transport, [eventOf('crash', 'after the crash')]);
  await seen('after the crash');
  expect((await effects()).filter((e) => e === 'survives a crash')).toHaveLength(1);
});

it('waits out a database that goes away in the middle, and dead-letters nothing', async () => {
  const before = (await letters()).length;
  const total = 300;
  let beats = 0;
  tamper = (batch) => ({
    ...batch,
    get active() {
      return batch.active;
    },
    heartbeat: () => {
      beats++;
      return batch.heartbeat();
    },
  });
  const names = Array.from({ length: total }, (_, i) => `outage ${i}`);
  await sendSurely(
    transport,
    names.slice(0, 150).map((n, i) => eventOf(`o${i % 20}`, n)),
  );
  proxy.refuse();
  await sendSurely(
    transport,
    names.slice(150).map((n, i) => eventOf(`o${i % 20}`, n)),
  );
  await sendSurely(transport, [commandOf('outage command')]);
  // Several times as long as a poison message is tried for.
  await eventually(() => expect(beats).toBeGreaterThan(4));
  proxy.heal();
  await eventually(async () =>
    expect((await effects()).filter((e) => e.startsWith('outage') && e !== 'outage command')).toHaveLength(total),
  );
  await seen('outage command');
  expect(new Set(await effects()).size).toBe((await effects()).length);
  expect(await letters()).toHaveLength(before);
});

it('sets aside a record whose key is too long for any index, and goes on behind it', async () => {
  const key = randomBytes(6_000).toString('base64'); // random, since what compresses would fit
  await sendSurely(transport, [{ ...eventOf('short', 'never'), key }]);
  await eventually(async () => expect((await letters()).map((letter) => letter.key)).toContain(key.slice(0, 512)));
  await sendSurely(transport, [eventOf(randomUUID(), 'behind the long key')]);
  await seen('behind the long key');
  expect(await effects()).not.toContain('never');
});
