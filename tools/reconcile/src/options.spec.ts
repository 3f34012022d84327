import { parseOptions } from './options.js';

const now = Date.parse('2026-11-27T12:00:00Z');
const parse = (...args: string[]) => parseOptions(args, now);

it('compares what changed, with patience, and repairs nothing unless told', () => {
  expect(parse()).toEqual({
    ...{ full: false, repair: false, dryRun: false, json: false, watch: false, help: false },
    ...{ every: 20_000, grace: 20_000, messages: 12_000 },
  });
});

it.each([
  ['90m', '2026-11-27T10:30:00.000Z'],
  ['24h', '2026-11-26T12:00:00.000Z'],
  ['7d', '2026-11-20T12:00:00.000Z'],
  ['2026-11-27T11:00:00Z', '2026-11-27T11:00:00.000Z'],
])('--since %s', (text, time) => {
  expect(parse('--since', text).since?.toISOString()).toBe(time);
});

it.each([
  [['--since', 'yesterday'], /--since must be a time such as/],
  [['--since', '2027-01-01'], /in the future/],
  [['--since', '1h', '--full'], /exclude each other/],
  [['--every', '0'], /--every must be a number of seconds/],
  [['--grace', ''], /--grace must be/],
  [['--repiar'], /Unknown option '--repiar'.*see --help/],
  [['order-1'], /see --help/],
  [['--services', 'http://{service}:3000'], /--services needs --accounts/],
  [['--services', 'http://payment:3000', '--accounts', 'a.json'], /needs \{service\}/],
  [['--services', 'http://{service}', '--accounts', 'a.json', '--home', '.'], /exclude each other/],
])('%j is refused in words', (args, words) => {
  expect(() => parse(...args)).toThrow(words);
});
