import type { Batch } from '../../src/index.js';
import { eventually } from '../harness.js';
import { endOf, type Fixture, gate, KEYS, type Reader, record } from './fixture.js';

export function groups(f: Fixture): void {
  it('gives each group everything', async () => {
    const topic = f.newTopic();
    const readers = [await f.read(f.newGroup(), [topic]), await f.read(f.newGroup(), [topic]), await f.read(f.newGroup(), [topic])];
    await f.send(
      readers[0]!.transport,
      KEYS.map((key) => record(topic, key, key)),
    );
    for (const reader of readers) await eventually(() => expect(reader.values().sort()).toEqual([...KEYS].sort()));
  });

  it('lets one group go on while another cannot', async () => {
    const topic = f.newTopic();
    const held = gate();
    const stuck = await f.read(f.newGroup(), [topic], async (batch) => {
      await held.wait;
      await batch.commit(endOf(batch));
    });
    const well = await f.read(f.newGroup(), [topic]);
    const sent = f.send(well.transport, [record(topic, 'a', 'one')]);
    const later = f.send(well.transport, [record(topic, 'a', 'two')]);
    await eventually(() => expect(well.values().sort()).toEqual(['one', 'two']));
    held.open();
    await Promise.all([sent, later]);
    await eventually(() => expect(stuck.values().sort()).toEqual(['one', 'two']));
  });

  it('shares the partitions among the members of a group, and gives them back when one leaves', async () => {
    const [group, topic] = [f.newGroup(), f.newTopic()];
    const first = await f.read(group, [topic]);
    const second = await f.read(group, [topic]);
    await shared(f, topic, [first, second]);
    await second.stop();
    const before = second.received.length;
    await f.send(
      first.transport,
      KEYS.map((key) => record(topic, key, 'alone')),
    );
    const alone = () => new Set(first.received.filter(({ value }) => value === 'alone').map(({ key }) => key));
    await eventually(() => expect(alone().size).toBe(KEYS.length));
    expect(second.received).toHaveLength(before);
  });

  it('goes on where the group left off: what was committed does not come again', async () => {
    const [group, topic] = [f.newGroup(), f.newTopic()];
    const first = await f.read(group, [topic]);
    await f.send(first.transport, [record(topic, 'a', 'one'), record(topic, 'a', 'two')]);
    await eventually(() => expect(first.values()).toEqual(['one', 'two']));
    await first.stop();
    const sender = await f.connect(topic);
    const sent = f.send(sender, [record(topic, 'a', 'three')]);
    const second = await f.read(group, [topic]);
    await sent;
    await eventually(() => expect(second.values()).toContain('three'));
    expect(second.values()).toEqual(['three']);
  });

  it('takes a partition from a member when others join: its batch ends, it can commit nothing more, the rest comes again', async () => {
    const [group, topic] = [f.newGroup(), f.newTopic()];
    const held = gate();
    const batches: Batch[] = [];
    let holding = true;
    const first = await f.read(group, [topic], async (batch) => {
      batches.push(batch);
      if (holding) {
        await held.wait;
        await batch.heartbeat();
      }
      await batch.commit(endOf(batch));
    });
    const sent = f.send(
      first.transport,
      KEYS.map((key) => record(topic, key, key)),
    );
    // Four are held, and of four readers none keeps more than three of twelve partitions: one of these goes to another.
    const begun = () => new Set(batches.map(({ partition }) => partition)).size;
    await eventually(() => expect(begun()).toBe(4));
    const others = Promise.all([1, 2, 3].map(() => f.read(group, [topic])));
    const lost = await eventually(async () => {
      for (const batch of batches) await batch.heartbeat().catch(() => undefined);
      const ended = batches.filter((batch) => !batch.active);
      expect(ended.length).toBeGreaterThan(0);
      return ended;
    });
    await expect(lost[0]!.heartbeat()).rejects.toThrow();
    holding = false;
    held.open();
    const elsewhere = (await others).map(({ received }) => received);
    await sent;
    const all = () => new Set([first.received, ...elsewhere].flat().map((r) => r.key));
    await eventually(() => expect(all().size).toBe(KEYS.length));
    const taken = await eventually(() => {
      const found = batches.slice(0, 4).find((batch) => elsewhere.flat().some((r) => r.partition === batch.partition));
      expect(found).toBeDefined();
      return found!;
    });
    await expect(taken.commit(endOf(taken))).rejects.toThrow();
  });

  if (f.setup.capabilities.keepsHistory)
    it('gives a new group what was sent before it was there', async () => {
      const topic = f.newTopic();
      const sender = await f.connect(topic);
      await f.send(sender, [record(topic, 'a', 'early')]);
      const reader = await f.read(f.newGroup(), [topic]);
      await eventually(() => expect(reader.values()).toEqual(['early']));
    });
}

/** Waits until a round of records is shared among all readers, each record once: the rebalance is over. */
async function shared(f: Fixture, topic: string, readers: Reader[]): Promise<void> {
  let round = 0;
  await eventually(async () => {
    const value = `round ${round++}`;
    const of = (reader: Reader) => reader.received.filter((r) => r.value === value);
    await f.send(
      readers[0]!.transport,
      KEYS.map((key) => record(topic, key, value)),
    );
    await eventually(() => expect(new Set(readers.flatMap(of).map((r) => r.key)).size).toBe(KEYS.length));
    const parts = readers.map((reader) => new Set(of(reader).map((r) => r.partition)));
    for (const part of parts) expect(part.size).toBeGreaterThan(0);
    expect(parts.reduce((sum, part) => sum + part.size, 0)).toBe(new Set(parts.flatMap((part) => [...part])).size);
  });
}
