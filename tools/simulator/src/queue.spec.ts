import { EventQueue } from './queue.js';
import { Random } from './random.js';

it('gives events by time, and those of one time in the order in which they were planned', () => {
  const random = new Random(1);
  const queue = new EventQueue();
  const planned = Array.from({ length: 500 }, (_, number) => ({ at: random.int(0, 40), number }));
  for (const { at } of planned) queue.add(at, () => undefined);
  const taken: { at: number; number: number }[] = [];
  for (let event = queue.take(); event; event = queue.take()) taken.push({ at: event.at, number: event.number });
  expect(taken).toEqual(planned.sort((a, b) => a.at - b.at || a.number - b.number));
});

it('draws the same numbers from the same seed, and others from another', () => {
  const numbers = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 20 }, () => random.int(0, 1_000_000));
  };
  expect(numbers(5)).toEqual(numbers(5));
  expect(numbers(5)).not.toEqual(numbers(6));
});
