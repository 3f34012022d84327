import { eventually } from '@ballast/testing';
import { Waits } from './crash-matrix.waits.js';

it('keeps the longest wait of each service, from when it was begun until it is stopped', async () => {
  const asked: number[] = [];
  const ages = [2, 31, 1];
  const waits = new Waits((since) => {
    asked.push(since);
    return Promise.resolve([{ service: 'order', seconds: ages.shift() ?? 0 }]);
  });
  expect(waits.seen).toEqual([]);
  const start = Date.now();
  waits.begin();
  await eventually(() => expect(asked.length).toBeGreaterThanOrEqual(3));
  await waits.stop();
  expect(waits.seen).toEqual([{ service: 'order', seconds: 31 }]);
  expect(new Set(asked).size).toBe(1);
  expect(asked[0]! - start).toBeLessThan(500);
});

it('says so in the end when it could not look', async () => {
  const waits = new Waits(() => Promise.reject(new Error('the database is away')));
  waits.begin();
  await expect(waits.stop()).rejects.toThrow('the database is away');
});
