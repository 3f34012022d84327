import { MemoryBroker, memoryTransport } from '../src/index.js';
import { endOf, gate } from './conformance/fixture.js';
import { numbersOf, type Replica, type ReplicaOptions, startReplica, upTo } from './conformance/replica.js';
import { Cleanup, eventually, freshDatabase, serviceName } from './harness.js';

const KEYS = ['a', 'b', 'c', 'd'];
const ROUNDS = 150;

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

/** A process's worth: a broker, and a service that reads what it writes. */
async function startProcess(shop: string, config: ReplicaOptions['config'], ...others: string[]) {
  const broker = new MemoryBroker({ groups: [shop, ...others] });
  const transport = memoryTransport({ broker });
  const send = jest.spyOn(transport, 'send');
  const service = await startReplica({ shop, config, instanceId: 'one' }, transport);
  const die = async () => {
    await transport.close();
    await service.stop();
  };
  cleanup.add(die);
  return { service, broker, sends: () => send.mock.calls.length, die };
}

const waiting = async (service: Replica) => (await service.rows('SELECT 1 FROM outbox')).length;

async function expectAll(service: Replica): Promise<void> {
  const effects = await eventually(async () => {
    const all = await service.effects();
    expect(all.length).toBeGreaterThanOrEqual(KEYS.length * ROUNDS);
    return all;
  });
  for (const key of KEYS) expect(numbersOf(effects, key)).toEqual(upTo(ROUNDS));
  await eventually(async () => expect(await waiting(service)).toBe(0));
  expect(await service.rows('SELECT 1 FROM dead_letter')).toHaveLength(0);
}

it('loses nothing when its process ends in the middle: what was not handled is still in the outbox', async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  const shop = serviceName();
  const before = await startProcess(shop, config);
  for (let n = 0; n < ROUNDS; n++) await before.service.publish(KEYS, n);
  await eventually(async () => expect((await before.service.effects()).length).toBeGreaterThan(0), { interval: 1 });
  await before.die();

  const after = await startProcess(shop, config);
  await expectAll(after.service);
});

it('keeps for a reader that cannot work what others have long handled, and sends it again until it is handled', async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  const shop = serviceName();
  const { service, broker, sends } = await startProcess(shop, config, 'other');
  const stuck = gate();
  const seen: string[] = [];
  const other = memoryTransport({ broker });
  cleanup.add(() => other.close());
  await other.subscribe({
    group: 'other',
    topics: [`${shop}.events`],
    onBatch: async (batch) => {
      await stuck.wait;
      seen.push(...batch.records.map(({ key, value }) => `${key}:${(JSON.parse(value) as { n: number }).n}`));
      await batch.commit(endOf(batch));
    },
  });

  const rounds = 20;
  for (let n = 0; n < rounds; n++) await service.publish(KEYS, n);
  await eventually(async () => expect(await service.effects()).toHaveLength(KEYS.length * rounds));
  // For longer than one send lasts.
  const before = sends();
  await eventually(() => expect(sends()).toBeGreaterThan(before + 2));
  expect(await waiting(service)).toBe(KEYS.length * rounds);
  stuck.open();
  await eventually(async () => expect(await waiting(service)).toBe(0));
  for (const key of KEYS) expect(numbersOf(seen, key)).toEqual(upTo(rounds));
  expect(await service.effects()).toHaveLength(KEYS.length * rounds);
  expect(await service.rows('SELECT 1 FROM dead_letter')).toHaveLength(0);
});
