import { randomBytes, randomUUID } from 'node:crypto';
import { encode, type WireRecord } from '@ballast/message';
import { eventually } from '../harness.js';
import { commands } from './commands.js';
import type { TransportSetup } from './conformance.js';
import { crashes } from './crashes.js';
import { ReaderUnderTest } from './reader.js';

/** The inbox at work on what the transport brings: what it cannot handle, what it answers, what it survives. */
export function handling(setup: TransportSetup): void {
  const w = new ReaderUnderTest(setup);
  beforeAll(() => w.start());
  afterAll(() => w.end());
  afterEach(() => w.reset());

  it('sets a poison event aside after three tries: its key waits, the rest of its partition goes on', async () => {
    const [bad, good] = await w.samePartition();
    await w.send([
      w.eventOf(good, 'g1'),
      w.eventOf(bad, 'b1'),
      w.eventOf(bad, 'poison'),
      w.eventOf(good, 'g2'),
      w.eventOf(bad, 'b2'),
      w.eventOf(good, 'g3'),
    ]);
    await w.seen('g3');
    expect(w.handlers.tries.get('poison')).toBeGreaterThanOrEqual(3);
    const all = await w.effects();
    expect(all.filter((e) => ['g1', 'b1', 'poison', 'g2', 'b2', 'g3'].includes(e))).toEqual(['g1', 'b1', 'g2', 'g3']);
    await w.send([w.eventOf(bad, 'b3'), w.eventOf(good, 'g4')]);
    await w.seen('g4');
    const buried = (await w.letters()).filter((l) => l.key === bad);
    expect(buried.map((l) => [(JSON.parse(l.payload) as { name: string }).name, l.reason])).toEqual([
      ['poison', 'HANDLER_FAILED'],
      ['b2', 'KEY_PARKED'],
      ['b3', 'KEY_PARKED'],
    ]);
    expect(buried[0]!.attempts).toBe(3);
    expect(buried[0]!.error).not.toContain('example.com');
    await eventually(async () => expect(await w.service.rows('SELECT 1 FROM outbox')).toHaveLength(0));
  });

  it('does not take a failed statement that a handler swallowed for a success', async () => {
    await w.send([w.eventOf('swallow', 'swallowed')]);
    await eventually(async () => expect((await w.letters()).some((l) => l.key === 'swallow')).toBe(true));
    expect(await w.effects()).not.toContain('swallowed');
  });

  it('dead-letters what it cannot read, and answers a command it cannot read', async () => {
    const broken: WireRecord = { ...w.eventOf('broken', 'x'), value: 'not json \0' };
    const wrong = encode(w.happened.topic, w.envelope(w.happened.type, 'wrong', { key: 'wrong' }));
    const headless: WireRecord = { topic: w.happened.topic, key: 'headless', value: '{}', headers: {} };
    const foreign = encode(w.happened.topic, w.envelope(w.happened.type.replace('happened', 'unknown'), 'foreign', {}));
    await w.send([broken, wrong, headless, foreign, w.eventOf('after', 'after the unreadable')]);
    const id = randomUUID();
    await w.send([w.commandOf('x', id, { nonsense: true })]);
    await eventually(() => expect(w.repliesTo(id)).toEqual([expect.objectContaining({ outcome: 'failed', code: 'HANDLER_FAILED' })]));
    await w.seen('after the unreadable');
    const found = await eventually(async () => {
      const all = (await w.letters()).filter((l) => ['broken', 'wrong', 'headless', 'foreign'].includes(l.key));
      expect(all).toHaveLength(3);
      return all;
    });
    expect(Object.fromEntries(found.map((l) => [l.key, l.reason]))).toEqual({
      broken: 'INVALID_MESSAGE',
      wrong: 'INVALID_PAYLOAD',
      headless: 'INVALID_MESSAGE',
    });
  });

  it('sets aside a record whose key is too long for any index, and goes on behind it', async () => {
    const key = randomBytes(6_000).toString('base64'); // random, since what compresses would fit
    await w.send([{ ...w.eventOf('short', 'never'), key }]);
    await eventually(async () => expect((await w.letters()).map((letter) => letter.key)).toContain(key.slice(0, 512)));
    await w.send([w.eventOf(randomUUID(), 'behind the long key')]);
    await w.seen('behind the long key');
    expect(await w.effects()).not.toContain('never');
  });

  describe('a command', () => commands(w));
  crashes(w);
}
