import { eventually } from '../harness.js';
import { altered } from './fixture.js';
import type { ReaderUnderTest } from './reader.js';

/** What goes wrong around the handlers. */
export function crashes(w: ReaderUnderTest): void {
  it('has one effect when it crashes between the commit of the effect and the commit of the offset', async () => {
    let crashes = 0;
    w.tamper = (batch) =>
      altered(batch, {
        commit: async (next) => {
          if (batch.topic === w.happened.topic && crashes++ < 2) throw new Error('crashed before the offset');
          await batch.commit(next);
        },
      });
    const sent = w.send([w.eventOf('crash', 'survives a crash')]);
    await eventually(() => expect(crashes).toBeGreaterThan(2));
    await sent;
    await w.send([w.eventOf('crash', 'after the crash')]);
    await w.seen('after the crash');
    expect((await w.effects()).filter((e) => e === 'survives a crash')).toHaveLength(1);
  });

  it('waits out a database that goes away in the middle, and dead-letters nothing', async () => {
    const before = (await w.letters()).length;
    const total = 300;
    let beats = 0;
    w.tamper = (batch) =>
      altered(batch, {
        heartbeat: () => {
          beats++;
          return batch.heartbeat();
        },
      });
    const names = Array.from({ length: total }, (_, i) => `outage ${i}`);
    const sent = [w.send(names.slice(0, 150).map((n, i) => w.eventOf(`o${i % 20}`, n)))];
    await eventually(async () => expect((await w.effects()).some((e) => e.startsWith('outage'))).toBe(true), { interval: 5 });
    w.proxy.refuse();
    sent.push(w.send([...names.slice(150).map((n, i) => w.eventOf(`o${i % 20}`, n)), w.commandOf('outage command')]));
    // Several times as long as a poison message is tried for.
    await eventually(() => expect(beats).toBeGreaterThan(4));
    w.proxy.heal();
    await Promise.all(sent);
    await eventually(async () =>
      expect((await w.effects()).filter((e) => e.startsWith('outage') && e !== 'outage command')).toHaveLength(total),
    );
    await w.seen('outage command');
    expect(new Set(await w.effects()).size).toBe((await w.effects()).length);
    expect(await w.letters()).toHaveLength(before);
  });
}
