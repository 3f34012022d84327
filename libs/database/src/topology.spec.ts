import type { Host } from './config.js';
import { decide, type Sighting, UNSEEN } from './topology.js';

const [a, b, c]: [Host, Host, Host] = [
  { host: 'a', port: 5432 },
  { host: 'b', port: 5432 },
  { host: 'c', port: 5432 },
];
const primary = (timeline: number, instance = `server of ${timeline}`): Sighting => ({ state: 'primary', timeline, instance });
const replica: Sighting = { state: 'replica' };
const away: Sighting = { state: 'away', reason: 'refused' };
const saw = (...sightings: [Host, Sighting][]) => new Map(sightings);

describe('the choice of the primary', () => {
  it('takes the one that claims it', () => {
    expect(decide(UNSEEN, saw([a, replica], [b, primary(1)]))).toMatchObject({ primary: b, replicas: [a], timeline: 1 });
  });

  it('takes the higher timeline of two claimants, in whichever order they stand', () => {
    expect(decide(UNSEEN, saw([a, primary(1)], [b, primary(2)])).primary).toBe(b);
    expect(decide(UNSEEN, saw([b, primary(2)], [a, primary(1)])).primary).toBe(b);
  });

  it('leaves the primary in use for one that was promoted beside it', () => {
    const before = decide(UNSEEN, saw([a, primary(1)], [b, replica]));
    expect(decide(before, saw([a, primary(1)], [b, primary(2)])).primary).toBe(b);
  });

  it('never follows an old primary that comes back, even when the new one is away', () => {
    const before = decide(UNSEEN, saw([a, away], [b, primary(2)]));
    const now = decide(before, saw([a, primary(1)], [b, away]));
    expect(now.primary).toBeUndefined();
    expect(now.reason).toBe('a:5432: an old primary (timeline 1, 2 was seen); b:5432: refused');
  });

  it('tosses no coin between two servers of one timeline', () => {
    const twins = saw([a, primary(1, 'one')], [b, primary(1, 'other')]);
    expect(decide(UNSEEN, twins).primary).toBeUndefined();
    expect(decide(UNSEEN, twins).reason).toBe('2 servers claim to be the primary of timeline 1');
    const inUse = decide(UNSEEN, saw([a, away], [b, primary(1, 'other')]));
    expect(decide(inUse, twins).primary).toBe(b);
  });

  it('takes one server under two names for one', () => {
    expect(decide(UNSEEN, saw([a, primary(1, 'same')], [b, primary(1, 'same')])).primary).toBe(a);
  });

  it('says why there is none', () => {
    expect(decide(UNSEEN, saw([a, away], [b, replica], [c, away]))).toMatchObject({
      replicas: [b],
      reason: 'a:5432: refused; b:5432: a replica; c:5432: refused',
    });
    expect(decide(UNSEEN, saw()).reason).toBe('none of the hosts has answered yet');
  });

  it('works with a single server', () => {
    expect(decide(UNSEEN, saw([a, primary(7)]))).toMatchObject({ primary: a, replicas: [], timeline: 7 });
  });
});
