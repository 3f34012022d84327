import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { faultsOf } from './experiment.js';
import { coordinatorOf, leaderOf } from './kafka.js';
import { readExperiments } from './parse.js';
import { checkTarget } from './target-names.js';
import { parseEtcd, Targets, type Views } from './targets.js';

const partition = (topic: string, n: number, leader: number) => ({ topic, partition: n, leader, replicas: [1, 2, 3], isr: [1, 2, 3] });

it('finds the broker that leads most of a topic', () => {
  expect(leaderOf('a.b', [partition('a.b', 0, 1), partition('a.b', 1, 3), partition('a.b', 2, 3), partition('c', 0, 2)])).toBe('kafka-3');
  expect(() => leaderOf('none.such', [])).toThrow('no topic none.such');
});

it('finds the coordinator as Kafka does: by Java’s hash of the group', () => {
  // "order".hashCode() is 106006350, and that modulo 12 is 6.
  const offsets = Array.from({ length: 12 }, (_, n) => partition('__consumer_offsets', n, n === 6 ? 2 : 1));
  expect(coordinatorOf('order', offsets)).toBe('kafka-2');
});

it('knows the groups of sagas that a broker coordinates which is met as a leader', async () => {
  // Of 12, by Java's hash: "order" and "payment" fall into 6, "inventory" into 4.
  const leads = (n: number) => (n === 6 ? 2 : 1);
  const all = [partition('a.b', 0, 2), ...Array.from({ length: 12 }, (_, n) => partition('__consumer_offsets', n, leads(n)))];
  const targets = new Targets({ kafka: { partitions: async () => all } } as unknown as Views, 0);
  expect(await targets.resolve('kafka leader of a.b')).toEqual(['kafka-2']);
  expect(targets.coordinates).toEqual(['order', 'payment']);
});

it('reads who leads etcd', () => {
  const text = `http://etcd-1:2379, 8211f1d0f64f3269, 3.5.16, 20 kB, false, false, 2, 12, 12, \nhttp://etcd-2:2379, 91bc3c398fb3c146, 3.5.16, 20 kB, true, false, 2, 12, 12, \n`;
  expect(parseEtcd(text)).toEqual([{ name: 'etcd-1', leads: false }, { name: 'etcd-2', leads: true }]); // prettier-ignore
});

it('goes on to the next of several with each trial, and keeps to whom it has found', async () => {
  let leader = 'postgres-1';
  const views = { patroni: { leader: async () => ({ name: leader }) } } as unknown as Views;
  const targets = new Targets(views, 3);
  expect(await targets.resolve('one of a, b, c')).toEqual(['a']);
  expect(await targets.resolve('postgres primary')).toEqual(['postgres-1']);
  leader = 'postgres-2';
  expect(await targets.resolve('postgres primary')).toEqual(['postgres-1']);
  expect(await new Targets(views, 0).resolve('postgres primary')).toEqual(['postgres-2']);
});

it('service-replica: what a safeguard is off by goes on with the target, so each trial takes both instances of one service', async () => {
  const { method, safeguards, trials } = readExperiments(join(workspaceRoot(), 'infra', 'chaos')).get('service-replica')!;
  const [killed, other] = [faultsOf(method)[0]!.on, faultsOf(safeguards['second-instance']!.off)[0]!.on];
  const services = new Set<string>();
  for (let trial = 0; trial < trials; trial++) {
    const targets = new Targets({} as Views, trial);
    const [one = ''] = await targets.resolve(killed);
    expect(await targets.resolve(other)).toEqual([one.replace('-1', '-2')]);
    services.add(one);
  }
  expect(services.size).toBe(6);
});

it('names the forms of a target when it knows none', () => {
  expect(checkTarget('kafka leader of order.events')).toBeUndefined();
  expect(checkTarget('kafka leader')).toContain('kafka leader of TOPIC');
});
