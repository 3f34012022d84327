import { v4, v7 } from 'uuid';
import { mayArriveYet } from './order.id.js';

const now = Date.parse('2026-11-01T10:00:00Z');
const minutes = 60_000;

describe('an id that is not known', () => {
  it.each([0, 1, 4.9])('may arrive yet when it is %s minutes old', (age) => {
    expect(mayArriveYet(v7({ msecs: now - age * minutes }), now)).toBe(true);
  });

  it('may come from a machine whose clock is a little ahead', () => {
    expect(mayArriveYet(v7({ msecs: now + 2 * minutes }), now)).toBe(true);
  });

  it.each([
    ['it is older than 5 minutes', v7({ msecs: now - 5.1 * minutes })],
    ['it comes from the far future', v7({ msecs: now + 60 * minutes })],
    ['it is not a UUIDv7', v4()],
  ])('is gone for good when %s', (_, id) => {
    expect(mayArriveYet(id, now)).toBe(false);
  });
});
