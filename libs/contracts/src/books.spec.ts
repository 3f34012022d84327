import { touchedQuery } from './books.js';

describe('a time that is asked for', () => {
  it.each([
    ['0000-02-29T23:25:44.057Z', '1970-01-01T00:00:00.000Z'],
    ['1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00.000Z'],
    ['2026-11-29T14:00:00Z', '2026-11-29T14:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s means since %s', (asked, since) => {
    expect(touchedQuery.parse({ since: asked })).toEqual({ since });
  });

  it.each(['yesterday', '2026-02-30T00:00:00Z', ''])('%j is refused', (since) => {
    expect(touchedQuery.safeParse({ since }).success).toBe(false);
  });
});
