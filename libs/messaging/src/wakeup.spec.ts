import { getEventListeners } from 'node:events';
import { systemClock } from './clock.js';
import { Wakeup } from './wakeup.js';

const never = () => new AbortController().signal;

it('wakes who sleeps', async () => {
  const wakeup = new Wakeup();
  const slept = wakeup.sleep(60_000, systemClock, never());
  wakeup.wake();
  await slept;
});

it('keeps a wake that comes while nobody sleeps, once', async () => {
  const wakeup = new Wakeup();
  wakeup.wake();
  wakeup.wake();
  await wakeup.sleep(60_000, systemClock, never());
  const order: string[] = [];
  const second = wakeup.sleep(60_000, systemClock, never()).then(() => order.push('woken'));
  await new Promise((resolve) => setImmediate(resolve));
  order.push('still asleep');
  wakeup.wake();
  await second;
  expect(order).toEqual(['still asleep', 'woken']);
});

it('leaves nothing behind on a signal that lives long', async () => {
  const { signal } = new AbortController();
  const wakeup = new Wakeup();
  for (let i = 0; i < 20; i++) await wakeup.sleep(0, systemClock, signal);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
