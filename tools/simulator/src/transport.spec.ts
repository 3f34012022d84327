import { Broker, PARTITIONS, SESSION } from './broker.js';
import { Instance } from './instance.js';
import { Process } from './process.js';
import { SimulatedTransport } from './transport.js';
import { Weather } from './weather.js';
import { World } from './world.js';

const TOPIC = 'shop.events';

function setup(...names: string[]) {
  const world = new World(1);
  const weather = new Weather((probability) => world.random.chance(probability));
  const broker = new Broker(world, weather);
  /** By member: the partitions from which it had something. */
  const had = new Map<string, Set<number>>();
  const processes = names.map((name) => {
    const process = new Process(world, name, 1);
    const instance = new Instance(world, 'shop', name, () => undefined);
    void new SimulatedTransport(process, instance, broker, weather).subscribe({
      group: 'shop',
      topics: [TOPIC],
      onBatch: async (batch) => {
        had.set(name, (had.get(name) ?? new Set()).add(batch.partition));
        await batch.commit(String(Number(batch.records.at(-1)!.offset) + 1));
      },
    });
    return process;
  });
  const fill = () => broker.partitions(TOPIC).forEach((each) => each.append({ topic: TOPIC, key: 'k', value: '{}', headers: {} }));
  return { world, broker, had, processes, fill };
}

it('shares the partitions among the members', async () => {
  const { world, had, fill } = setup('a', 'b');
  world.after(5_000, fill);
  await world.run(6_000, () => false);
  expect([had.get('a')?.size, had.get('b')?.size]).toEqual([PARTITIONS / 2, PARTITIONS / 2]);
});

it('gives the share of a member that is gone to the others, also when one of them stood still meanwhile', async () => {
  const { world, broker, had, processes, fill } = setup('a', 'b', 'c');
  const [, b, c] = processes;
  world.after(2_000, () => c!.kill());
  // It is not away for so long that the group would go on without it, but for the moment of the new assignment.
  world.after(2_000 + SESSION - 1_500, () => b!.pause());
  world.after(2_000 + SESSION + 2_500, () => b!.continue());
  world.after(30_000, fill);
  await world.run(40_000, () => false);
  expect(broker.groups.get('shop')!.lag).toBe(0);
  expect([had.get('a')!.size, had.get('b')!.size, had.get('c')]).toEqual([PARTITIONS / 2, PARTITIONS / 2, undefined]);
});
