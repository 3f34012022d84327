import { eventually, freshDatabase, serviceName } from '../harness.js';
import type { Fixture } from './fixture.js';
import { numbersOf, startReplica, upTo } from './replica.js';

/** For a broker that can be away while its clients are there. */
export function outages(f: Fixture): void {
  it('rides out a broker that goes away and comes back: nothing lost, nothing set aside, order kept', async () => {
    const broker = await f.setup.capabilities.startBroker!();
    f.cleanup.add(() => broker.dispose());
    const { config, drop } = await freshDatabase();
    f.cleanup.add(drop);
    const transport = broker.open('outage');
    const service = await startReplica({ shop: serviceName(), config, instanceId: 'one' }, transport);
    f.cleanup.add(() => service.stop());
    const keys = ['a', 'b', 'c'];

    await service.publish(keys, 0);
    await eventually(async () => expect(await service.effects()).toHaveLength(3));

    await broker.stop();
    for (let n = 1; n <= 20; n++) await service.publish(keys, n);
    await eventually(() => expect(transport.connected).toBe(false));
    await eventually(() => expect(transport.consuming).toBe(false));
    await eventually(async () => expect(await service.rows('SELECT 1 FROM outbox')).toHaveLength(60));

    await broker.start();
    await service.publish(keys, 21);
    await eventually(async () => expect(await service.effects()).toHaveLength(66), { timeout: 60_000 });
    for (const key of keys) expect(numbersOf(await service.effects(), key)).toEqual(upTo(22));
    expect(transport.connected).toBe(true);
    expect(await service.rows('SELECT 1 FROM dead_letter')).toHaveLength(0);
    await eventually(async () => expect(await service.rows('SELECT 1 FROM outbox')).toHaveLength(0));
  }, 150_000);

  it('connects when the broker comes, and gives up when it is closed', async () => {
    const broker = await f.setup.capabilities.startBroker!();
    f.cleanup.add(() => broker.dispose());
    await broker.stop();
    const [patient, closed] = [broker.open('patient'), broker.open('closed')];
    f.cleanup.add(() => patient.close());
    const topic = f.newTopic();
    const connecting = patient.connect([topic]);
    const never = closed.connect([topic]);
    const lost = patient.send([{ topic, key: 'a', value: '{}', headers: {} }]);
    await expect(lost).rejects.toThrow();
    await closed.close();
    await never;
    expect(closed.connected).toBe(false);
    await broker.start();
    await connecting;
    expect(patient.connected).toBe(true);
  }, 150_000);
}
