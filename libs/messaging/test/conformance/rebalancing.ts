import { eventually, freshDatabase, serviceName } from '../harness.js';
import type { Fixture } from './fixture.js';
import { numbersOf, type Replica, type ReplicaOptions, startReplica, upTo } from './replica.js';

const KEYS = Array.from({ length: 12 }, (_, i) => `k${i}`);

/** Through the real outbox, inbox and database: in order per key, each effect once, whatever happens to the members of the group. */
export function rebalancing(f: Fixture): void {
  async function replicas() {
    const { config, drop } = await freshDatabase();
    f.cleanup.add(drop);
    const shop = serviceName();
    const optionsOf = (instanceId: string): ReplicaOptions => ({ shop, config, instanceId });
    const start = async (instanceId: string): Promise<Replica> => {
      const replica = await startReplica(optionsOf(instanceId), f.setup.open(instanceId));
      f.cleanup.add(() => replica.stop());
      return replica;
    };
    return { optionsOf, start };
  }

  /** Publishes until it is told to stop; gives the number of rounds so far. */
  function publishing(replica: Replica) {
    let rounds = 0;
    let going = true;
    const work = (async () => {
      while (going) await replica.publish(KEYS, rounds).then(() => rounds++);
    })();
    const end = async () => {
      going = false;
      await work;
      return rounds;
    };
    f.cleanup.add(end);
    return { end, rounds: () => rounds };
  }

  async function inOrderOnce(replica: Replica, rounds: number): Promise<void> {
    const effects = await eventually(async () => {
      const all = await replica.effects();
      expect(all.length).toBeGreaterThanOrEqual(rounds * KEYS.length);
      return all;
    });
    for (const key of KEYS) expect(numbersOf(effects, key)).toEqual(upTo(rounds));
  }

  it('members join and leave under load', async () => {
    const { start } = await replicas();
    const first = await start('one');
    const load = publishing(first);
    await eventually(async () => expect((await first.effects()).length).toBeGreaterThan(100));
    const second = await start('two');
    const [{ owner }] = (await first.rows<{ owner: string }>('SELECT owner FROM outbox_lane WHERE lane > 0')) as [{ owner: string }];
    expect(owner).toBe('one');
    await eventually(() => expect(second.handled).toBeGreaterThan(50));
    await second.stop();
    const after = load.rounds();
    await eventually(() => expect(load.rounds()).toBeGreaterThan(after + 50));
    await inOrderOnce(first, await load.end());
  });

  it('a member dies under load', async () => {
    const { start, optionsOf } = await replicas();
    const first = await start('one');
    const load = publishing(first);
    await eventually(async () => expect((await first.effects()).length).toBeGreaterThan(100));
    const doomed = await f.setup.startDoomed(optionsOf('two'));
    f.cleanup.add(() => doomed.kill());
    // Its effects are those the first one's handler was not called for.
    await eventually(async () => {
      const { handled } = first;
      expect((await first.effects()).length).toBeGreaterThan(handled + 50);
    });
    await doomed.kill();
    const after = load.rounds();
    await eventually(() => expect(load.rounds()).toBeGreaterThan(after + 50));
    await inOrderOnce(first, await load.end());
  });
}
