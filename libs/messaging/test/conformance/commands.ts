import { randomUUID } from 'node:crypto';
import { eventually } from '../harness.js';
import type { ReaderUnderTest } from './reader.js';

export function commands(w: ReaderUnderTest): void {
  it('is answered with what its handler returns', async () => {
    const [id, refused, thrown] = [randomUUID(), randomUUID(), randomUUID()];
    await w.send([w.commandOf('do it', id), w.commandOf('refuse', refused), w.commandOf('throw', thrown)]);
    await eventually(() => expect(w.repliesTo(thrown)).toHaveLength(1));
    await eventually(() => expect(w.repliesTo(id)).toEqual([{ outcome: 'succeeded', result: { done: 'do it' } }]));
    await eventually(() => expect(w.repliesTo(refused)).toEqual([{ outcome: 'failed', code: 'NO_THANKS', message: 'the effect stays' }]));
    expect(w.repliesTo(thrown)).toEqual([{ outcome: 'failed', code: 'NO_THANKS', message: 'the effect goes' }]);
    const all = await w.effects();
    expect(all).toContain('refuse');
    expect(all).not.toContain('throw');
    expect(w.handlers.replies.find((r) => r.commandId === id)!.sagaId).toBe(`saga-of-${id}`);
  });

  it('whose handler breaks is answered with a failure, together with its dead letter', async () => {
    const id = randomUUID();
    await w.send([w.commandOf('break', id)]);
    await eventually(() => expect(w.repliesTo(id)).toEqual([expect.objectContaining({ outcome: 'failed', code: 'HANDLER_FAILED' })]));
    expect((await w.letters()).map((l) => [l.key, l.reason])).toContainEqual([`saga-of-${id}`, 'HANDLER_FAILED']);
    const next = w.commandOf('next of the same saga');
    await w.send([{ ...next, key: `saga-of-${id}` }]);
    await w.seen('next of the same saga');
  });

  it('that comes again is not done again, but answered again: the answer may have been lost', async () => {
    const id = randomUUID();
    await w.send([w.commandOf('once', id)]);
    await eventually(() => expect(w.repliesTo(id)).toHaveLength(1));
    await w.send([w.commandOf('once', id)]);
    await eventually(() => expect(w.repliesTo(id)).toHaveLength(2));
    await w.send([w.commandOf('once', id), w.commandOf('once', id)]);
    await eventually(() => expect(w.repliesTo(id)).toHaveLength(4));
    expect(new Set(w.repliesTo(id).map((r) => JSON.stringify(r))).size).toBe(1);
    expect((await w.effects()).filter((e) => e === 'once')).toHaveLength(1);
  });
}
