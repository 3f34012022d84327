import { sampleEvery } from './sampling.js';

const turn = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (condition: () => boolean) => {
  while (!condition()) await turn();
};

it('samples while the database is there, outlives a failure, and ends when it is told to', async () => {
  const database = { ready: Promise.resolve(), available: true };
  let samples = 0;
  const stop = sampleEvery(
    database,
    async () => {
      if (++samples === 2) throw new Error('gone in the middle');
    },
    1,
  );
  await until(() => samples > 3);
  database.available = false;
  await turn();
  const before = samples;
  await turn(20);
  expect(samples).toBe(before);
  database.available = true;
  await until(() => samples > before);
  stop();
  const last = samples;
  await turn(20);
  expect(samples).toBe(last);
});

it('does not begin before the database is ready, and never samples twice at once', async () => {
  let ready!: () => void;
  let atOnce = 0;
  let most = 0;
  let samples = 0;
  const stop = sampleEvery(
    { ready: new Promise<void>((resolve) => (ready = resolve)), available: true },
    async () => {
      most = Math.max(most, ++atOnce);
      await turn(10);
      atOnce--;
      samples++;
    },
    1,
  );
  await turn(20);
  expect(most).toBe(0);
  ready();
  await until(() => samples > 2);
  expect(most).toBe(1);
  stop();
});
