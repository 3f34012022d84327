import { FAILPOINTS, failpoint, failpointsOf, parseFailpoints, reach } from './failpoint.js';

it('acts at the time that was asked for, once, and only there', () => {
  const points = parseFailpoints('relay.sent=kill@2; saga.step.before[capture payment]=stop');
  const acted: string[] = [];
  const hit = (name: (typeof FAILPOINTS)[number], where?: string) =>
    reach(points, name, where, (signal) => acted.push(`${name} ${signal}`));
  hit('relay.sent');
  hit('saga.step.before', 'reserve stock');
  expect(acted).toEqual([]);
  hit('relay.sent');
  hit('saga.step.before', 'capture payment');
  hit('relay.sent');
  hit('saga.step.before', 'capture payment');
  expect(acted).toEqual(['relay.sent SIGKILL', 'saga.step.before SIGSTOP']);
});

it('does nothing when the process was started without', () => {
  for (const name of FAILPOINTS) expect(failpoint(name)).toBeUndefined();
  expect(failpointsOf({})).toBeUndefined();
});

it.each([
  ['relay.sent', '"relay.sent" is not of the form name=kill'],
  ['relay.gone=kill', 'there is no "relay.gone": one of outbox.committed, relay.sent'],
  ['relay.sent=explode', '"explode" in "relay.sent=explode" is neither kill nor stop'],
  ['relay.sent=kill@0', '"relay.sent=kill@0" counts from 1'],
])('names the mistake in %s', (text, message) => {
  expect(() => parseFailpoints(text)).toThrow(message);
});

it('is refused in production', () => {
  expect(() => failpointsOf({ BALLAST_FAILPOINTS: 'relay.sent=kill', NODE_ENV: 'production' })).toThrow('NODE_ENV is production');
});
