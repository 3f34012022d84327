import { PARTITIONS } from '@ballast/message';
import type { Batch } from '../../src/index.js';
import { eventually } from '../harness.js';
import { endOf, type Fixture, gate, KEYS, record } from './fixture.js';

/** Where Java's default partitioner (murmur2) puts `key-0` to `key-11`. */
const IN_JAVA = [1, 0, 2, 11, 9, 8, 8, 7, 7, 9, 2, 1];

export function receiving(f: Fixture): void {
  it('gives each key one of twelve partitions and keeps its order, within a send and across sends', async () => {
    const topic = f.newTopic();
    const reader = await f.read(f.newGroup(), [topic]);
    for (let round = 0; round < 3; round++) {
      const records = [0, 1, 2].flatMap((n) => KEYS.map((key) => record(topic, key, String(round * 3 + n))));
      await f.send(reader.transport, records);
    }
    await eventually(() => expect(reader.values()).toHaveLength(KEYS.length * 9));
    for (const key of KEYS) {
      expect(reader.values(key)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
      expect(new Set(reader.received.filter((r) => r.key === key).map((r) => r.partition)).size).toBe(1);
    }
    const partitions = Array.from({ length: PARTITIONS }, (_, i) => i);
    expect([...new Set(reader.received.map((r) => r.partition))].sort((a, b) => a - b)).toEqual(partitions);
    for (const partition of partitions) {
      const offsets = reader.received.filter((r) => r.partition === partition).map((r) => Number(r.offset));
      expect(offsets).toEqual(offsets.map((_, i) => offsets[0]! + i));
    }
  });

  if (f.setup.capabilities.javaPartitions)
    it('gives a key the partition that other clients give it', async () => {
      const topic = f.newTopic();
      const reader = await f.read(f.newGroup(), [topic]);
      const keys = KEYS.slice(0, IN_JAVA.length);
      await f.send(
        reader.transport,
        keys.map((key) => record(topic, key)),
      );
      await eventually(() => expect(new Set(reader.received.map((r) => r.key)).size).toBe(keys.length));
      expect(keys.map((key) => reader.received.find((r) => r.key === key)!.partition)).toEqual(IN_JAVA);
    });

  it('brings keys, values and headers as they were sent', async () => {
    const topic = f.newTopic();
    const reader = await f.read(f.newGroup(), [topic]);
    const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
    const odd = [bytes, 'Grüße, 世界 🛒', 'a\0b\r\n"\\', ' ', '', '\u2028\ufeff', 'x'.repeat(100_000)];
    const sent = odd.map((text, i) => record(topic, i ? text.slice(0, 500) : text, text, { ce_id: `id-${i}`, ce_ü: text.slice(0, 500) }));
    await f.send(reader.transport, sent);
    const arrived = (id: string) => reader.received.find(({ headers }) => headers['ce_id'] === id);
    for (const { topic: to, key, value, headers } of sent) {
      const got = await eventually(() => {
        const found = arrived(headers['ce_id']!);
        expect(found).toBeDefined();
        return found!;
      });
      expect({ topic: got.topic, key: got.key, value: got.value, headers: got.headers }).toEqual({ topic: to, key, value, headers });
    }
  });

  it('brings again what a failed batch left uncommitted, and everything after it, in order', async () => {
    const topic = f.newTopic();
    const committed: string[] = [];
    let failures = 0;
    const reader = await f.read(f.newGroup(), [topic], async (batch) => {
      for (const r of batch.records) {
        if (r.value === '3' && failures++ < 2) throw new Error('not this one yet');
        await batch.commit(String(BigInt(r.offset) + 1n));
        committed.push(r.value);
      }
    });
    const all = Array.from({ length: 6 }, (_, n) => String(n));
    const sent = f.send(
      reader.transport,
      all.map((n) => record(topic, 'a', n)),
    );
    await eventually(() => expect([...new Set(committed)]).toEqual(all));
    await sent;
    expect(reader.turns('2')).toBe(1);
    expect(reader.turns('3')).toBe(3);
  });

  it('brings again what a batch that ended well left uncommitted', async () => {
    const topic = f.newTopic();
    let turns = 0;
    const reader = await f.read(f.newGroup(), [topic], async (batch) => {
      if (++turns > 2) await batch.commit(endOf(batch));
    });
    const sent = f.send(reader.transport, [record(topic, 'a', 'again')]);
    await eventually(() => expect(reader.turns('again')).toBe(3));
    await sent;
    await f.send(reader.transport, [record(topic, 'a', 'next')]);
    await eventually(() => expect(reader.values()).toEqual(['again', 'next']));
  });

  it('works on several partitions at once, and on one batch of a partition at a time', async () => {
    const topic = f.newTopic();
    const working = new Map<number, number>();
    let most = 0;
    const go = gate();
    const reader = await f.read(f.newGroup(), [topic], async (batch) => {
      working.set(batch.partition, (working.get(batch.partition) ?? 0) + 1);
      expect(working.get(batch.partition)).toBe(1);
      most = Math.max(most, [...working.values()].filter((n) => n > 0).length);
      if (most > 1) go.open();
      await go.wait;
      working.set(batch.partition, 0);
      await batch.commit(endOf(batch));
    });
    await Promise.all([0, 1, 2].map((n) => f.send(reader.transport, KEYS.map((key) => record(topic, key, String(n)))))); // prettier-ignore
    await eventually(() => expect(new Set(reader.received.map((r) => r.key + r.value)).size).toBe(KEYS.length * 3));
    expect(most).toBeGreaterThan(1);
  });

  it('tells how far behind a partition is', async () => {
    const topic = f.newTopic();
    const held = gate();
    const lags: { lag: number; left: number }[] = [];
    let handled = 0;
    const total = 1_500;
    const reader = await f.read(f.newGroup(), [topic], async (batch) => {
      if (batch.records[0]!.value === 'first') return batch.commit(endOf(batch));
      await held.wait;
      handled += batch.records.length;
      lags.push({ lag: batch.lag, left: total - handled });
      await batch.commit(endOf(batch));
    });
    await f.send(reader.transport, [record(topic, 'a', 'first')]);
    await eventually(() => expect(reader.values()).toEqual(['first']));
    // More than one batch may hold, in one go: whatever comes first leaves some behind.
    const sent = Array.from({ length: 3 }, () =>
      f.send(
        reader.transport,
        Array.from({ length: total / 3 }, () => record(topic, 'a', 'x'.repeat(1_700))),
      ),
    );
    await eventually(() => expect(reader.values()).toHaveLength(2));
    held.open();
    await Promise.all(sent);
    await eventually(() => expect(handled).toBe(total));
    for (const { lag, left } of lags) {
      expect(lag).toBeGreaterThanOrEqual(0);
      expect(lag).toBeLessThanOrEqual(left);
    }
    expect(lags.at(-1)!.lag).toBe(0);
    expect(lags.some(({ lag }) => lag > 0)).toBe(true);
  });

  it('keeps a batch that is worked on for long, as long as it beats', async () => {
    const topic = f.newTopic();
    let beats = 0;
    const reader = await f.read(f.newGroup(), [topic], async (batch) => {
      // Longer than a session lasts without a heartbeat.
      for (const end = Date.now() + 8_000; Date.now() < end; beats++) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        await batch.heartbeat();
        expect(batch.active).toBe(true);
      }
      await batch.commit(endOf(batch));
    });
    const sent = f.send(reader.transport, [record(topic, 'a', 'slow')]);
    await eventually(() => expect(beats).toBeGreaterThan(10));
    await sent;
    await f.send(reader.transport, [record(topic, 'a', 'next')]).then(() => undefined);
    await eventually(() => expect(reader.values()).toEqual(['slow', 'next']));
  });

  it('waits for the batches at work when it stops, and begins no other', async () => {
    const topic = f.newTopic();
    const held = gate();
    const batches: Batch[] = [];
    const reader = await f.read(f.newGroup(), [topic], async (batch) => {
      batches.push(batch);
      await held.wait;
    });
    void f.send(reader.transport, [record(topic, 'a', 'held')]);
    await eventually(() => expect(batches).toHaveLength(1));
    void f.send(reader.transport, [record(topic, 'a', 'behind')]);
    let over = false;
    const stopped = reader.stop().then(() => (over = true));
    await eventually(() => expect(batches[0]!.active).toBe(false));
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    held.open();
    await stopped;
    expect(reader.transport.consuming).toBe(false);
    expect(batches).toHaveLength(1);
  });
}
