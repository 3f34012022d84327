import { EPOCH, World } from './world.js';

/** Goes on so many times, each in a microtask of its own. */
async function goOn(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await undefined;
}

it('moves the clock on only when everything that an event set going has come to its end', async () => {
  const world = new World(1);
  const seen: string[] = [];
  // More events than turns are asked for at a time, and chains that end in one of Node's own ticks.
  for (let at = 1; at <= 1_000; at++)
    world.after(at, () => {
      void goOn(at % 50).then(() => process.nextTick(() => void goOn(3).then(() => seen.push(`${at} at ${world.now}`))));
    });
  await world.run(10_000, () => false);
  expect(seen).toEqual(Array.from({ length: 1_000 }, (_, i) => `${i + 1} at ${i + 1}`));
  expect([world.now, world.date, world.events]).toEqual([1_000, EPOCH + 1_000, 1_000]);
});

it('ends when it is over, when the time is up, and with the error of an event', async () => {
  const ticking = () => {
    const world = new World(1);
    const tick = () => void world.after(1, tick);
    tick();
    return world;
  };
  const over = ticking();
  await over.run(1_000, () => over.now === 7);
  expect(over.now).toBe(7);
  const late = ticking();
  await late.run(50.5, () => false);
  expect([late.now, late.events]).toEqual([50.5, 50]);
  const broken = ticking();
  broken.after(3, () => {
    throw new Error('broken');
  });
  await expect(broken.run(1_000, () => false)).rejects.toThrow('broken');
});

it('leaves out what was called off', async () => {
  const world = new World(1);
  const fired: number[] = [];
  const events = [1, 2, 3].map((at) => world.after(at, () => fired.push(at)));
  events[1]!.fire = undefined;
  await world.run(10, () => false);
  expect([fired, world.events]).toEqual([[1, 3], 2]);
});

it('has one digest for what happened, however it is noted, and another for anything else', () => {
  const digest = (...notes: string[]) => {
    const world = new World(1);
    for (const what of notes) world.note('somebody', what);
    return world.digest();
  };
  const many = Array.from({ length: 5_000 }, (_, i) => `does ${i}`);
  expect(digest(...many)).toBe(digest(...many));
  expect(digest(...many, 'more')).not.toBe(digest(...many));
  expect(digest('a', 'b')).not.toBe(digest('b', 'a'));
});
