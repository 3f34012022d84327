import type { Tx } from '@ballast/database';
import { command, encode, type CommandOf, type Reply } from '@ballast/message';

import { Injectable, type OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Attempt, Consume, defer, intent, Perform, refuse, Refused, Replies, type Settlement, type Transport } from '../src/index.js';
import { SqlIntentStore } from '../src/intent.store.js';
import { Cleanup, freshDatabase, newTransport, serviceName, startService, type TestService, eventually, sendSurely } from './harness.js';
import { gate } from './scripted-transport.js';

const name = serviceName('pay');
const charge = command(`${name}.charge.v1`, {
  payload: z.object({ how: z.string() }),
  reply: z.object({ receipt: z.string() }),
  failures: ['DECLINED'],
});
const chargeOutside = intent('charge', z.object({ how: z.string() }));
const slowly = intent('slowly', z.object({ how: z.string() }));

const patiently = intent('patiently', z.object({ how: z.string() }));

const write = (tx: Tx, effect: string) => tx.query('INSERT INTO effect (name) VALUES ($1)', [effect]);

/** What the outside does, by test. */
const outside = new Map<string, (attempt: Attempt<{ how: string }>) => Promise<Settlement>>();

@Injectable()
class Handlers implements OnModuleInit {
  readonly replies: { commandId: string; reply: Reply }[] = [];
  constructor(private readonly inbox: Replies) {}
  onModuleInit(): void {
    this.inbox.handle(async ({ commandId, reply }) => void this.replies.push({ commandId, reply }));
  }
  @Consume(charge)
  async charge({ payload }: CommandOf<typeof charge>, tx: Tx) {
    await write(tx, `asked ${payload.how}`);
    return defer(chargeOutside({ how: payload.how }));
  }
  @Perform(chargeOutside, { concurrency: 5, deadline: '2s', backoff: { initial: 10, max: 50 } })
  perform(attempt: Attempt<{ how: string }>): Promise<Settlement> {
    return outside.get(attempt.payload.how)!(attempt);
  }
  @Perform(patiently, { concurrency: 2, backoff: { initial: '1h', max: '1h' } })
  patiently(attempt: Attempt<{ how: string }>): Promise<Settlement> {
    return outside.get(attempt.payload.how)!(attempt);
  }
  @Perform(slowly, { concurrency: 2, deadline: '300ms', backoff: { initial: 1, max: 2 } })
  slowly(attempt: Attempt<{ how: string }>): Promise<Settlement> {
    return outside.get(attempt.payload.how)!(attempt);
  }
}
Reflect.defineMetadata('design:paramtypes', [Replies], Handlers);

const cleanup = new Cleanup();
let service: TestService;
let handlers: Handlers;
let transport: Transport;

beforeAll(async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  service = await startService({ name, definitions: [charge], providers: [Handlers], config });
  cleanup.add(() => service.stop());
  handlers = service.app.get(Handlers);
  transport = newTransport('sender');
  cleanup.add(() => transport.close());
  await transport.connect([charge.topic, `${name}.replies`]);
});
afterAll(() => cleanup.run());

const send = (how: string, id: string = randomUUID()) => {
  const envelope = { id, source: '/test', type: charge.type, key: id, time: new Date(), payload: { how }, trace: {} };
  return sendSurely(transport, [encode(charge.topic, { ...envelope, replyTo: `${name}.replies`, sagaId: id })]).then(() => id);
};
const repliesTo = (id: string) => handlers.replies.filter((r) => r.commandId === id).map((r) => r.reply);
const answered = (id: string, reply: unknown) => eventually(() => expect(repliesTo(id)).toEqual([reply]));
const ask = (how: string) => service.database.transaction((tx) => service.intents.add(tx, slowly({ how })));
const state = async (how: string) =>
  (await service.rows<{ state: string; attempts: number }>(`SELECT state, attempts FROM intent WHERE payload->>'how' = $1`, [how]))[0]!;

it('answers a deferred command with what its intent settles with', async () => {
  outside.set('fine', async () => async (tx) => {
    await write(tx, 'charged fine');
    return { receipt: 'r1' };
  });
  const id = await send('fine');
  await answered(id, { outcome: 'succeeded', result: { receipt: 'r1' } });
  expect(await service.effects()).toEqual(expect.arrayContaining(['asked fine', 'charged fine']));
  expect((await state('fine')).state).toBe('DONE');
  await send('fine', id);
  await eventually(() => expect(repliesTo(id)).toHaveLength(2));
  expect((await service.effects()).filter((e) => e.endsWith('fine'))).toHaveLength(2);
});

it('answers a refusal, returned or thrown', async () => {
  outside.set('declined', async () => async () => refuse('DECLINED', 'no funds'));
  outside.set('thrown', async () => {
    throw new Refused('DECLINED', 'no card');
  });
  outside.set('thrown late', async () => async (tx) => {
    await write(tx, 'taken back');
    throw new Refused('DECLINED', 'no card');
  });
  const [a, b, c] = [await send('declined'), await send('thrown'), await send('thrown late')];
  await answered(a, { outcome: 'failed', code: 'DECLINED', message: 'no funds' });
  await answered(b, { outcome: 'failed', code: 'DECLINED', message: 'no card' });
  await answered(c, { outcome: 'failed', code: 'DECLINED', message: 'no card' });
  expect(await service.effects()).not.toContain('taken back');
});

it('tries again what throws, as the same intent, until it settles', async () => {
  const seen: { id: string; attempt: number }[] = [];
  outside.set('flaky', async ({ id, attempt }) => {
    seen.push({ id, attempt });
    if (attempt < 5) throw new Error('500 for someone@example.com');
    return () => ({ receipt: `after ${attempt}` });
  });
  await answered(await send('flaky'), { outcome: 'succeeded', result: { receipt: 'after 5' } });
  expect(seen.map((s) => s.attempt)).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(seen.map((s) => s.id)).size).toBe(1);
  const [{ last_error }] = (await service.rows(`SELECT last_error FROM intent WHERE payload->>'how' = 'flaky'`)) as [
    { last_error: string },
  ];
  expect(last_error).not.toContain('example.com');
});

it('aborts an attempt at its deadline and holds its slot until it has really ended', async () => {
  const ended = gate();
  const aborted = gate();
  let atOnce = 0;
  let most = 0;
  outside.set('hangs', async ({ attempt, signal }) => {
    most = Math.max(most, ++atOnce);
    if (attempt === 1) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted.open();
      await ended.wait;
    }
    atOnce--;
    if (attempt === 1) throw signal.reason;
    return () => undefined;
  });
  await ask('hangs');
  await ask('hangs');
  await ask('hangs');
  await aborted.wait;
  // Time enough for another kind to be asked, performed and answered; a freed slot would be taken at once.
  outside.set('meanwhile', async () => () => ({ receipt: 'r' }));
  await answered(await send('meanwhile'), { outcome: 'succeeded', result: { receipt: 'r' } });
  const attempts = await service.rows(`SELECT attempts FROM intent WHERE payload->>'how' = 'hangs' ORDER BY attempts`);
  expect(attempts).toEqual([{ attempts: 0 }, { attempts: 1 }, { attempts: 1 }]);
  ended.open();
  await eventually(async () =>
    expect(await service.rows(`SELECT 1 FROM intent WHERE payload->>'how' = 'hangs' AND state = 'DONE'`)).toHaveLength(3),
  );
  expect(most).toBe(2);
});

it('that rested through an outage is performed soon after the first answer, however long it was to rest', async () => {
  let away = true;
  outside.set('an outage', async () => {
    if (away) throw new Error('it is away');
    return () => undefined;
  });
  const add = () => service.database.transaction((tx) => service.intents.add(tx, patiently({ how: 'an outage' })));
  const those = (state: string) => service.rows(`SELECT 1 FROM intent WHERE payload->>'how' = 'an outage' AND ${state}`);
  for (let n = 0; n < 6; n++) await add();
  await eventually(async () => expect(await those(`state = 'PENDING' AND attempts = 1`)).toHaveLength(6));
  away = false;
  await add();
  await eventually(async () => expect(await those(`state = 'DONE'`)).toHaveLength(7));
});

it('is settled once: an attempt whose claim ran out cannot write its outcome', async () => {
  const first = gate();
  const begun = gate();
  outside.set('overtaken', async ({ attempt }) => {
    if (attempt === 1) {
      begun.open();
      await first.wait;
    }
    return (tx) => write(tx, `settled by attempt ${attempt}`);
  });
  await ask('overtaken');
  await begun.wait;
  // As if this process had been paused past its claim.
  await service.rows(`UPDATE intent SET claimed_until = clock_timestamp() - interval '1 s' WHERE payload->>'how' = 'overtaken'`);
  await eventually(async () => expect((await state('overtaken')).state).toBe('DONE'));
  first.open();
  await ask('after the overtaken');
  outside.set('after the overtaken', async () => () => undefined);
  await eventually(async () => expect((await state('after the overtaken')).state).toBe('DONE'));
  expect((await service.effects()).filter((e) => e.startsWith('settled by'))).toEqual(['settled by attempt 2']);
});

it('is claimed by one process at a time', async () => {
  const store = new SqlIntentStore(service.database, 'another process');
  await service.database.transaction(async (tx) => {
    for (let i = 0; i < 40; i++) await store.add(tx, { id: randomUUID(), kind: 'nobody performs', payload: i, trace: {} });
  });
  const claims = (await Promise.all(Array.from({ length: 4 }, () => store.claim('nobody performs', 15, 60_000)))).flat();
  expect(claims).toHaveLength(40);
  expect(new Set(claims.map((c) => c.id)).size).toBe(40);
  expect(await store.claim('nobody performs', 15, 60_000)).toEqual([]);
});

it('of a process that crashed are taken back by the next one of its name at once, those of others only when their claim runs out', async () => {
  const crashed = new SqlIntentStore(service.database, 'replica-0');
  const alive = new SqlIntentStore(service.database, 'replica-1');
  await service.database.transaction(async (tx) => {
    for (const how of ['of the crashed', 'of the other'])
      await crashed.add(tx, { id: randomUUID(), kind: 'left behind', payload: { how }, trace: {} });
  });
  const [first] = await crashed.claim('left behind', 1, 60_000);
  const [second] = await alive.claim('left behind', 1, 60_000);

  const restarted = new SqlIntentStore(service.database, 'replica-0');
  await restarted.takeBack('left behind', []);
  const claims = await restarted.claim('left behind', 10, 60_000);
  expect(claims.map((c) => [c.id, c.attempt])).toEqual([[first!.id, 2]]);
  expect(claims.map((c) => c.id)).not.toContain(second!.id);
});

it('refuses an intent nothing performs, and one outside of a transaction', async () => {
  const orphan = intent('orphan', z.object({}));
  await expect(service.database.transaction((tx) => service.intents.add(tx, orphan({})))).rejects.toThrow('@Perform');
  await expect(service.intents.add(service.database.primary as Tx, slowly({ how: 'x' }))).rejects.toThrow('transaction');
});
