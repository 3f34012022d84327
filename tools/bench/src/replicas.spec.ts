import { eachOwnsOne } from './replicas.js';

const lanes = (...owners: (string | null)[]) => owners.map((owner) => ({ owner }));

it('waits until each replica owns a lane, in whichever order', () => {
  expect(eachOwnsOne(lanes('bench-2', 'bench-1'), ['bench-1', 'bench-2'])).toBe(true);
});

it.each([
  ['nobody owns one of them', lanes('bench-1', null)],
  ['one owns both', lanes('bench-1', 'bench-1')],
  ['somebody else owns one', lanes('bench-1', 'bench')],
  ['the number is not theirs yet', lanes('bench-1')],
  ['the number is still another', lanes('bench-1', 'bench-2', 'bench-1')],
])('goes on waiting while %s', (_, each) => {
  expect(eachOwnsOne(each, ['bench-1', 'bench-2'])).toBe(false);
});
