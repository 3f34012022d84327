import { parseOptions } from './options.js';

it('measures one or all, seven rounds of each side unless told otherwise', () => {
  expect(parseOptions(['outbox'])).toEqual({ help: false, benches: ['outbox'], quick: false, rounds: 7 });
  expect(parseOptions(['all', '--rounds', '9', '--out', 'here'])).toMatchObject({
    benches: ['outbox', 'consume', 'saga'],
    rounds: 9,
    out: 'here',
  });
  expect(parseOptions(['consume', '--rounds', '1', '--out', 'here'])).toMatchObject({ rounds: 1, out: 'here' });
  expect(parseOptions(['saga', '--quick'])).toMatchObject({ quick: true, rounds: 3 });
  expect(parseOptions(['--help'])).toMatchObject({ help: true });
});

it.each([
  [[], /which benchmark\? One of outbox, consume, saga, all/],
  [['inbox'], /no benchmark "inbox"/],
  [['outbox', 'saga'], /not also saga/],
  [['outbox', '--rounds', '0'], /whole number from 1 to 100, not "0"/],
  [['outbox', '--rounds', 'many'], /not "many"/],
  [['outbox', '--quick', '--out', 'docs'], /no figure to publish/],
  [['outbox', '--rounds', '6'], /at least 7 rounds: with 6, say --out/],
  [['outbox', '--fast'], /--fast/],
])('says what is wrong with %j', (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
