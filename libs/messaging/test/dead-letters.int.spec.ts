import { randomUUID } from 'node:crypto';
import type { Tx } from '@ballast/database';
import { command, type CommandOf, encode, event, type EventOf, replyType, type WireRecord } from '@ballast/message';
import { createLogger, inSpan } from '@ballast/tracing';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { z } from 'zod';
import {
  Consume,
  DeadLetterOperations,
  type LetterOutcome,
  MemoryBroker,
  memoryTransport,
  Outbox,
  Replies,
  type Transport,
} from '../src/index.js';
import { Cleanup, eventually, freshDatabase, sendSurely, serviceName, startService, type TestService } from './harness.js';

const name = serviceName('reader');
const shop = serviceName();
const happened = event(`${shop}.happened.v1`, { key: (p) => p.key, payload: z.object({ key: z.string(), name: z.string() }) });
const noted = event(`${name}.noted.v1`, { key: (p) => p.key, payload: z.object({ key: z.string(), name: z.string() }) });
const work = command(`${name}.work.v1`, { payload: z.object({ name: z.string() }) });

/** Names whose handling fails, and those that wait for somebody to let them go. */
const broken = new Set<string>();
const held = new Map<string, { reached: () => void; go: Promise<void> }>();

@Injectable()
class Handlers implements OnModuleInit {
  readonly replies: string[] = [];
  constructor(
    private readonly outbox: Outbox,
    private readonly inbox: Replies,
  ) {}

  onModuleInit(): void {
    this.inbox.handle(async ({ commandId }, tx) => this.write(tx, `reply to ${commandId}`));
  }

  @Consume(happened)
  async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
    await this.outbox.add(tx, noted(payload));
    await this.write(tx, payload.name);
  }

  @Consume(noted)
  note({ payload }: EventOf<typeof noted>, tx: Tx): Promise<void> {
    return this.write(tx, `noted ${payload.name}`);
  }

  @Consume(work)
  work({ payload }: CommandOf<typeof work>, tx: Tx): Promise<void> {
    return this.write(tx, payload.name);
  }

  private async write(tx: Tx, effect: string): Promise<void> {
    await tx.query('INSERT INTO effect (name) VALUES ($1)', [effect]);
    const gate = held.get(effect);
    gate?.reached();
    await gate?.go;
    if (broken.has(effect)) throw new Error(`${effect} cannot be handled: ask someone@example.com`);
  }
}
Reflect.defineMetadata('design:paramtypes', [Outbox, Replies], Handlers);

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const cleanup = new Cleanup();
let service: TestService;
let letters: DeadLetterOperations;
let sender: Transport;

beforeAll(async () => {
  createLogger({ service: name, level: 'silent' });
  provider.register();
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  const broker = new MemoryBroker({ groups: [name] });
  const options = { name, definitions: [happened, noted, work], consumes: [happened, noted], providers: [Handlers], config };
  service = await startService({ ...options, transport: memoryTransport({ broker }) });
  cleanup.add(() => service.stop());
  letters = service.app.get(DeadLetterOperations);
  sender = memoryTransport({ broker });
  cleanup.add(() => sender.close());
  await sender.connect([happened.topic, work.topic]);
});
afterAll(async () => {
  await cleanup.run();
  await provider.shutdown();
});
afterEach(() => {
  broken.clear();
  held.clear();
});

const envelope = (type: string, key: string, payload: unknown, id: string = randomUUID()) => ({
  ...{ id, source: '/test', type, key, time: new Date(), payload },
  trace: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
});
const eventOf = (key: string, effect: string): WireRecord => encode(happened.topic, envelope(happened.type, key, { key, name: effect }));
const send = (...records: WireRecord[]) => sendSurely(sender, records);
const replay = (id: string) => service.database.transaction((tx) => letters.replay(tx, id));
const discard = (id: string, note?: string) => service.database.transaction((tx) => letters.discard(tx, id, note));
const of = async (key: string, status?: 'OPEN') =>
  (await letters.list(service.database.primary, { limit: 1_000, ...(status && { status }) })).filter((letter) => letter.key === key);
const parked = async (key: string) => (await service.rows('SELECT FROM parked_key WHERE key = $1', [key])).length === 1;
const effects = async (key: string) => (await service.effects()).filter((effect) => effect.startsWith(`${key}/`));
const handled = (effect: string) => eventually(async () => expect(await service.effects()).toContain(effect));

/** A key with a poisoned event and those that came behind it. Gives the letters' ids. */
async function parkedKey(...behind: string[]): Promise<{ key: string; ids: string[]; poison: string }> {
  const key = randomUUID();
  const poison = `${key}/poison`;
  broken.add(poison);
  await send(eventOf(key, poison), ...behind.map((each) => eventOf(key, `${key}/${each}`)));
  const found = await eventually(async () => {
    const all = await of(key);
    expect(all).toHaveLength(1 + behind.length);
    return all;
  });
  return { key, ids: found.map(({ id }) => id), poison };
}

/** Replays a key to its end, as an operator's one request does. */
async function replayAll(id: string): Promise<LetterOutcome[]> {
  const outcomes: LetterOutcome[] = [];
  for (let next: string | undefined = id; next;) {
    const outcome = await replay(next);
    outcomes.push(outcome);
    next = outcome.outcome === 'FAILED' ? undefined : outcome.next;
  }
  return outcomes;
}

/** Stops the handling of an effect half-way. `reached`: it stands there. */
function hold(effect: string): { reached: Promise<void>; letGo: () => void } {
  let letGo!: () => void;
  let reached!: () => void;
  const arrival = new Promise<void>((resolve) => (reached = resolve));
  held.set(effect, { reached, go: new Promise<void>((resolve) => (letGo = resolve)) });
  return { reached: arrival, letGo };
}

describe('replay', () => {
  it('gives a poisoned event its effect, then those behind it theirs, in order, and lets the key go with the last', async () => {
    const { key, ids, poison } = await parkedKey('2', '3');
    expect(await of(key)).toMatchObject([
      { reason: 'HANDLER_FAILED', attempts: 3, status: 'OPEN', waitsFor: null, behind: 2 },
      { reason: 'KEY_PARKED', attempts: 0, waitsFor: ids[0], behind: 0 },
      { reason: 'KEY_PARKED', waitsFor: ids[0] },
    ]);
    broken.clear();
    const outcomes = await replayAll(ids[0]!);
    expect(outcomes.map(({ id, outcome, left }) => [id, outcome, left])).toEqual([
      [ids[0], 'REPLAYED', 2],
      [ids[1], 'REPLAYED', 1],
      [ids[2], 'REPLAYED', 0],
    ]);
    expect(await effects(key)).toEqual([poison, `${key}/2`, `${key}/3`]);
    expect(await parked(key)).toBe(false);
    expect(await of(key)).toMatchObject([{ status: 'REPLAYED', attempts: 4, settledAt: expect.any(Date) as Date }, {}, {}]);
    await send(eventOf(key, `${key}/4`));
    await handled(`${key}/4`);
  });

  it('holds the order while new events of the key come: between two letters they wait, too', async () => {
    const { key, ids, poison } = await parkedKey('2');
    broken.clear();
    await replay(ids[0]!);
    await send(eventOf(key, `${key}/3`));
    const third = await eventually(async () => (await of(key, 'OPEN')).find((letter) => letter.id > ids[1]!)!.id);
    expect(await replay(ids[1]!)).toMatchObject({ outcome: 'REPLAYED', next: third, left: 1 });
    await send(eventOf(key, `${key}/4`));
    await eventually(async () => expect(await of(key, 'OPEN')).toHaveLength(2));
    await replayAll(third);
    expect(await effects(key)).toEqual([poison, `${key}/2`, `${key}/3`, `${key}/4`]);
  });

  it('an event that comes while the last letter is at work waits for it, and is then handled as any other', async () => {
    const { key, ids, poison } = await parkedKey();
    broken.clear();
    const { reached, letGo } = hold(poison);
    const replaying = replay(ids[0]!);
    await reached;
    const sending = send(eventOf(key, `${key}/2`));
    await eventually(async () => {
      const waiting = await service.rows(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%parked_key%FOR SHARE%'`,
      );
      expect(waiting).toHaveLength(1);
    });
    letGo();
    expect(await replaying).toMatchObject({ outcome: 'REPLAYED', left: 0 });
    await sending;
    await handled(`${key}/2`);
    expect(await effects(key)).toEqual([poison, `${key}/2`]);
    expect([await of(key, 'OPEN'), await parked(key)]).toEqual([[], false]);
  });

  it('a consumer that has seen the key parked is waited for: what it sets aside is replayed before the key goes', async () => {
    const { key, ids, poison } = await parkedKey();
    broken.clear();
    // A consumer in the middle of its transaction: it knows that the key is parked, and has not set its event aside yet.
    let commit!: () => void;
    const seen = new Promise<void>((resolve) => (commit = resolve));
    const late = eventOf(key, `${key}/2`);
    let stands!: () => void;
    const standing = new Promise<void>((resolve) => (stands = resolve));
    const consumer = service.database.transaction(async (tx) => {
      const { effects: inside, inbox, router } = service.messaging.handling();
      const item = {
        kind: 'message',
        record: { ...late, offset: '4711' },
        route: router(happened.type)!,
        envelope: envelope(happened.type, key, { key, name: `${key}/2` }, late.headers['ce_id']),
      } as const;
      const { fresh, parked: keys } = await inbox.claim(tx, happened.topic, [{ id: item.envelope.id, type: happened.type }], [key]);
      stands();
      await seen;
      await inside.apply(tx, [item], { fresh, parked: keys }, 0);
    });
    await standing;
    const replaying = replay(ids[0]!);
    await eventually(async () => {
      const waiting = await service.rows(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%parked_key%FOR UPDATE%'`,
      );
      expect(waiting).toHaveLength(1);
    });
    commit();
    await consumer;
    const { next } = await replaying;
    expect((await of(key, 'OPEN')).map(({ id }) => id)).toEqual([next]);
    expect(await parked(key)).toBe(true);
    await replay(next!);
    expect(await effects(key)).toEqual([poison, `${key}/2`]);
  });

  it('again is a no-op that says so', async () => {
    const { key, ids, poison } = await parkedKey();
    broken.clear();
    await replay(ids[0]!);
    expect(await replay(ids[0]!)).toMatchObject({ id: ids[0], outcome: 'ALREADY', left: 0 });
    expect(await effects(key)).toEqual([poison]);
  });

  it('by two operators at once has its effect once', async () => {
    const { key, ids, poison } = await parkedKey('2');
    broken.clear();
    const both = await Promise.all([replay(ids[0]!), replay(ids[0]!)]);
    expect(both.map(({ outcome }) => outcome).sort()).toEqual(['ALREADY', 'REPLAYED']);
    await Promise.all([replay(ids[1]!), replay(ids[1]!), replay(ids[1]!)]);
    expect(await effects(key)).toEqual([poison, `${key}/2`]);
  });

  it('that fails again leaves the letter open with one more attempt and the new error, and nothing of what its handler wrote', async () => {
    const { key, ids, poison } = await parkedKey('2');
    expect(await replay(ids[0]!)).toMatchObject({
      outcome: 'FAILED',
      error: expect.stringContaining('cannot be handled') as string,
      left: 2,
    });
    expect(await of(key)).toMatchObject([{ attempts: 4, status: 'OPEN', reason: 'HANDLER_FAILED' }, { status: 'OPEN' }]);
    expect((await of(key))[0]!.error).not.toContain('example.com');
    expect([await effects(key), await parked(key)]).toEqual([[], true]);

    broken.clear();
    broken.add(`${key}/2`);
    const outcomes = await replayAll(ids[0]!);
    expect(outcomes).toMatchObject([{ outcome: 'REPLAYED' }, { id: ids[1], outcome: 'FAILED', left: 1 }]);
    expect(await of(key, 'OPEN')).toMatchObject([{ id: ids[1], reason: 'HANDLER_FAILED', attempts: 1, waitsFor: null }]);
    broken.clear();
    await replay(ids[1]!);
    expect(await effects(key)).toEqual([poison, `${key}/2`]);
    await handled(`noted ${key}/2`);
    expect((await service.effects()).filter((effect) => effect === `noted ${poison}`)).toHaveLength(1);
  });

  it('of a later letter of a key is refused, with the one that comes first', async () => {
    const { key, ids } = await parkedKey('2', '3');
    broken.clear();
    await expect(replay(ids[2]!)).rejects.toMatchObject({ code: 'DEAD_LETTER_WAITS', members: { first: ids[0] } });
    expect(await effects(key)).toEqual([]);
    await replayAll(ids[0]!);
  });

  it('whose session is killed half-way did nothing, and can be done again', async () => {
    const { key, ids, poison } = await parkedKey();
    broken.clear();
    const { reached, letGo } = hold(poison);
    const replaying = replay(ids[0]!).then(
      () => 'done',
      () => 'failed',
    );
    await reached;
    await service.rows(
      `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
       WHERE l.relation = 'parked_key'::regclass AND l.mode = 'RowShareLock' AND a.pid <> pg_backend_pid()`,
    );
    letGo();
    expect(await replaying).toBe('failed');
    expect(await of(key)).toMatchObject([{ status: 'OPEN', attempts: 3 }]);
    expect([await effects(key), await parked(key)]).toEqual([[], true]);
    held.clear();
    await eventually(() => replay(ids[0]!));
    expect(await effects(key)).toEqual([poison]);
  });

  it('is a span of its own, in the trace of whoever asks, with a link to the message’s', async () => {
    const { ids } = await parkedKey();
    broken.clear();
    exporter.reset();
    const traceId = await inSpan('the operator’s request', {}, async (span) => {
      await replay(ids[0]!);
      return span.spanContext().traceId;
    });
    const span = exporter.getFinishedSpans().find((each) => each.name === `process ${happened.topic}`)!;
    expect(span.spanContext().traceId).toBe(traceId);
    expect(span.links.map(({ context }) => [context.traceId, context.spanId])).toEqual([
      ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'],
    ]);
    expect(await letters.find(service.database.primary, ids[0]!)).toMatchObject({ replayTraceId: traceId });
  });

  it('of a message that could not be read works once there is a version that reads it', async () => {
    const key = randomUUID();
    const wrong = encode(happened.topic, envelope(happened.type, key, { key, title: `${key}/1` }));
    const headless: WireRecord = { ...eventOf(key, `${key}/0`), headers: { ce_type: happened.type } };
    await send(headless, wrong, eventOf(key, `${key}/2`));
    const found = await eventually(async () => {
      const all = await of(key);
      expect(all.map(({ reason }) => reason)).toEqual(['INVALID_MESSAGE', 'INVALID_PAYLOAD', 'KEY_PARKED']);
      return all;
    });
    expect(await replay(found[0]!.id)).toMatchObject({ outcome: 'FAILED', error: expect.stringContaining('ce_specversion') as string });
    expect(await replay(found[1]!.id)).toMatchObject({ outcome: 'FAILED', error: expect.stringContaining('name') as string });

    // A later version of the service: its contract takes the payload as it came, and the missing headers are not asked for.
    const { effects: inside, inbox, router } = service.messaging.handling();
    const newer = new DeadLetterOperations(() => ({
      ...{ effects: inside, inbox },
      router: (type) => {
        const route = router(type);
        return (
          route && {
            ...route,
            parse: (e) => route.parse({ ...e, payload: { name: (e.payload as { title?: string }).title, ...(e.payload as object) } }),
          }
        );
      },
    }));
    const outcome = await service.database.transaction((tx) => newer.replay(tx, found[1]!.id));
    expect(outcome).toMatchObject({ outcome: 'REPLAYED', next: found[2]!.id });
    await replayAll(found[2]!.id);
    expect(await effects(key)).toEqual([`${key}/1`, `${key}/2`]);
    await discard(found[0]!.id);
  });

  it('of one whose message was handled meanwhile, from another copy, has no second effect', async () => {
    const key = randomUUID();
    const whole = eventOf(key, `${key}/1`);
    await send({ ...whole, value: 'not json' }, whole);
    await handled(`${key}/1`);
    const [letter] = await of(key);
    await service.rows(`UPDATE dead_letter SET payload = $2 WHERE id = $1`, [letter!.id, whole.value]);
    expect(await replay(letter!.id)).toMatchObject({ outcome: 'DUPLICATE' });
    expect(await effects(key)).toEqual([`${key}/1`]);
    expect(await of(key, 'OPEN')).toEqual([]);
  });

  it('of an event nobody here handles any more is refused', async () => {
    const { key, ids } = await parkedKey();
    const { effects: inside, inbox } = service.messaging.handling();
    const without = new DeadLetterOperations(() => ({ effects: inside, inbox, router: () => undefined }));
    const asked = service.database.transaction((tx) => without.replay(tx, ids[0]!));
    await expect(asked).rejects.toMatchObject({ code: 'DEAD_LETTER_NOT_SUBSCRIBED' });
    expect(await of(key)).toMatchObject([{ status: 'OPEN', attempts: 3 }]);
  });

  it('of a command is refused: its saga was told that it failed', async () => {
    const id = randomUUID();
    broken.add(`work ${id}`);
    await send(encode(work.topic, { ...envelope(work.type, id, { name: `work ${id}` }, id), replyTo: 'order.replies', sagaId: id }));
    const [letter] = await eventually(async () => {
      const found = await of(id);
      expect(found).toHaveLength(1);
      return found;
    });
    broken.clear();
    await expect(replay(letter!.id)).rejects.toMatchObject({
      code: 'DEAD_LETTER_IS_COMMAND',
      members: { sagaId: id, asker: 'order' },
    });
    expect(await service.effects()).not.toContain(`work ${id}`);
    expect(await discard(letter!.id, 'the saga was compensated')).toMatchObject({ outcome: 'DISCARDED' });
    expect(await of(id)).toMatchObject([{ status: 'DISCARDED', note: 'the saga was compensated' }]);
  });

  it('of a reply gives it to the saga engine, which knows whether it still waits for it', async () => {
    const [saga, commandId] = [randomUUID(), randomUUID()];
    broken.add(`reply to ${commandId}`);
    const reply = {
      ...envelope(replyType('elsewhere.do.v1'), saga, { outcome: 'succeeded', result: {} }),
      sagaId: saga,
      causationId: commandId,
    };
    await send(encode(`${name}.replies`, reply));
    const [letter] = await eventually(async () => {
      const found = await of(saga);
      expect(found).toHaveLength(1);
      return found;
    });
    broken.clear();
    // No key is parked for it: of two operators at once the letter's own lock lets one through.
    const { reached, letGo } = hold(`reply to ${commandId}`);
    const first = replay(letter!.id);
    await reached;
    const second = replay(letter!.id);
    await eventually(async () => {
      const waiting = await service.rows(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM dead_letter d%FOR UPDATE%'`,
      );
      expect(waiting).toHaveLength(1);
    });
    letGo();
    expect(await Promise.all([first, second])).toMatchObject([{ outcome: 'REPLAYED', left: 0 }, { outcome: 'ALREADY' }]);
    expect((await service.effects()).filter((effect) => effect === `reply to ${commandId}`)).toHaveLength(1);
  });
});

describe('discard', () => {
  it('of the first lets those behind it have their turn; of one in between leaves the first where it is', async () => {
    const { key, ids } = await parkedKey('2', '3', '4');
    expect(await discard(ids[2]!)).toMatchObject({ outcome: 'DISCARDED', wasFirst: false, next: ids[0], left: 3 });
    expect(await discard(ids[0]!, 'sent twice')).toMatchObject({ outcome: 'DISCARDED', wasFirst: true, next: ids[1], left: 2 });
    expect(await parked(key)).toBe(true);
    await replayAll(ids[1]!);
    expect(await effects(key)).toEqual([`${key}/2`, `${key}/4`]);
    expect(await parked(key)).toBe(false);
    expect((await of(key)).map(({ status }) => status)).toEqual(['DISCARDED', 'REPLAYED', 'DISCARDED', 'REPLAYED']);
  });

  it('of the last one lets new events of the key pass; again it is a no-op, and nothing is replayed any more', async () => {
    const { key, ids } = await parkedKey();
    await discard(ids[0]!);
    await send(eventOf(key, `${key}/2`));
    await handled(`${key}/2`);
    expect(await discard(ids[0]!)).toMatchObject({ outcome: 'ALREADY' });
    await expect(replay(ids[0]!)).rejects.toMatchObject({ code: 'DEAD_LETTER_SETTLED', members: { status: 'DISCARDED' } });
    const other = await parkedKey();
    broken.clear();
    await replay(other.ids[0]!);
    await expect(discard(other.ids[0]!)).rejects.toMatchObject({ code: 'DEAD_LETTER_SETTLED' });
    await expect(replay('999999')).rejects.toMatchObject({ code: 'DEAD_LETTER_NOT_FOUND' });
  });
});

it('a letter is kept for 30 days after it was dealt with, however long it was open', async () => {
  const { key, ids } = await parkedKey();
  broken.clear();
  await service.rows(`UPDATE dead_letter SET created_at = now() - interval '90 days' WHERE id = $1`, [ids[0]]);
  await replay(ids[0]!);
  await service.database.retention.prune();
  expect(await of(key)).toHaveLength(1);
  await service.rows(`UPDATE dead_letter SET settled_at = now() - interval '31 days' WHERE id = $1`, [ids[0]]);
  await service.database.retention.prune();
  expect(await of(key)).toHaveLength(0);
});
