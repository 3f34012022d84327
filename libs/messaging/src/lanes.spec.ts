import { setLanes, shareOf } from './lanes.js';

const view = (lanes: number, members: string[]) => ({ lanes, members, absent: [], generation: '1' });

it('gives every lane to exactly one replica, in shares that differ by one at most', () => {
  for (let lanes = 1; lanes <= 64; lanes++)
    for (let replicas = 1; replicas <= 9; replicas++) {
      const members = Array.from({ length: replicas }, (_, n) => `replica-${n}`);
      const shares = members.map((member) => shareOf(view(lanes, members), member));
      expect(shares.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: lanes }, (_, lane) => lane));
      const sizes = shares.map((share) => share.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
});

it('gives nothing to a replica that does not take part', () => {
  expect(shareOf(view(3, ['one']), 'two')).toEqual([]);
});

it.each([0, -1, 1.5, 65, NaN])('refuses %p lanes', async (lanes) => {
  const database = { primary: { query: () => Promise.reject(new Error('not asked')) } } as never;
  await expect(setLanes(database, lanes)).rejects.toThrow(RangeError);
});
