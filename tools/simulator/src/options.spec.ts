import { argumentsOf, HELP, OptionError, parseOptions } from './options.js';
import { faultKinds } from './weather.js';

it('has a default for everything', () => {
  expect(parseOptions([])).toEqual({ help: false, listMutations: false, from: 1, seeds: 100, orders: 100, faults: faultKinds });
  expect(parseOptions(['--seeds', '1000', '--faults', 'crash,pause', '--mutate', 'dedup-by-offset'])).toMatchObject({
    seeds: 1000,
    faults: ['crash', 'pause'],
    mutate: 'dedup-by-offset',
  });
  expect(parseOptions(['--faults', 'none']).faults).toEqual([]);
});

it.each([
  [['--seeds', '0'], '--seeds must be a whole number from 1 to 2147483647, not "0"'],
  [['--seeds', '1e3'], '--seeds must be a whole number from 1 to 2147483647, not "1e3"'],
  [['--seed', '-1'], "Option '--seed' argument is ambiguous"],
  [['--seed', '99999999999'], '--seed must be a whole number from 0 to 2147483647, not "99999999999"'],
  [['--seed', '1', '--seeds', '2'], '--seed replays one run: it does not go with --seeds or --from'],
  [['--orders', 'many'], '--orders must be a whole number from 1 to 2147483647, not "many"'],
  [['--faults', 'crash,flood'], 'there is no fault "flood": one of crash, pause,'],
  [['--mutate', 'nothing'], 'there is no mutation "nothing": npm run simulate -- --list-mutations'],
  [['--frobnicate'], "Unknown option '--frobnicate'"],
  [['7'], "Unexpected argument '7'"],
])('refuses %j', (args, message) => {
  expect(() => parseOptions(args)).toThrow(OptionError);
  expect(() => parseOptions(args)).toThrow(message);
});

it.each([
  [[], '--seed 7 --orders 100'],
  [['--faults=crash', '--orders=5', '--seeds=9'], '--seed 7 --orders 5 --faults crash'],
  [['--faults', 'pause,crash', '--mutate', 'dedup-by-offset'], '--seed 7 --orders 100 --mutate dedup-by-offset --faults pause,crash'],
  [['--faults=none'], '--seed 7 --orders 100 --faults none'],
  [['--faults', faultKinds.join(',')], '--seed 7 --orders 100'],
  [['--faults', [...faultKinds].reverse().join(',')], `--seed 7 --orders 100 --faults ${[...faultKinds].reverse().join(',')}`],
])('%j is run again, for one seed, by a command line that means the same', (args, again) => {
  const options = parseOptions(args);
  expect(argumentsOf(options, 7)).toBe(again);
  const { orders, faults, mutate } = options;
  expect(parseOptions(again.split(' '))).toMatchObject({ seed: 7, orders, faults, ...(mutate && { mutate }) });
});

it('names every fault in its help', () => {
  for (const kind of faultKinds) expect(HELP).toContain(kind);
});
