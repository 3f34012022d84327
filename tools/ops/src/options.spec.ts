import { parseOptions } from './options.js';
import { age, count, fields, short, table } from './table.js';

it('reads who asks, whom, and what', () => {
  const env = { BALLAST_OPERATOR_EMAIL: 'me@example.test', BALLAST_OPERATOR_PASSWORD: 'x', JAEGER_URL: 'http://traces' };
  const urls = ['--url', 'auth=http://a:1', '--url', 'order=http://b:2/'];
  expect(parseOptions(['replay', 'order-17', 'cart-3', ...urls, '--json'], env)).toEqual({
    ...{ help: false, json: true, all: false, words: ['replay', 'order-17', 'cart-3'], jaeger: 'http://traces' },
    urls: { auth: 'http://a:1', order: 'http://b:2' },
    account: { email: 'me@example.test', password: 'x' },
  });
  expect(parseOptions(['sagas', '--state', 'stuck', '--jaeger', 'http://other'], env)).toMatchObject({
    state: 'STUCK',
    jaeger: 'http://other',
  });
});

it.each([
  [['--url', 'order'], {}, '--url must be like order=http://127.0.0.1:3004, not "order"'],
  [['--limit', 'many'], {}, '--limit must be a number from 1 to 9999, not "many"'],
  [['--stat', 'x'], {}, "Unknown option '--stat'; see --help"],
  [[], { BALLAST_OPERATOR_EMAIL: 'me@example.test' }, 'BALLAST_OPERATOR_EMAIL and BALLAST_OPERATOR_PASSWORD belong together'],
])('refuses %j with %j', (args, env, message) => expect(() => parseOptions(args, env)).toThrow(message));

it('writes for people', () => {
  const columns = table(['id', 'why'], [['cart-1', 'x']]);
  expect(columns).toBe('id      why\ncart-1  x');
  expect(
    fields([
      ['one', 1],
      ['longer', 'b'],
      ['none', undefined],
    ]),
  ).toBe('one     1\nlonger  b');
  const now = Date.parse('2026-01-02T00:00:00Z');
  expect(
    ['2026-01-01T23:59:48Z', '2026-01-01T23:57:00Z', '2026-01-01T21:30:00Z', '2025-12-29T00:00:00Z'].map((time) => age(time, now)),
  ).toEqual([...['12s', '3m', '2h', '4d']]);
  expect([short('a\n b', 10), short('abcdef', 4)]).toEqual(['a b', 'abc…']);
  expect([count(1, 'letter'), count(2, 'letter')]).toEqual(['1 letter', '2 letters']);
});
