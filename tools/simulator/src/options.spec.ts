import { HELP, OptionError, parseOptions } from './options.js';
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

it('names every fault in its help', () => {
  for (const kind of faultKinds) expect(HELP).toContain(kind);
});
