import { ClusterError } from '@ballast/cluster';
import type { Containers } from './containers.js';
import type { Docker } from './docker.js';

export interface Partition {
  topic: string;
  partition: number;
  leader: number;
  replicas: number[];
  isr: number[];
}

/** Asked from a container of its own, which is given what a service knows: the brokers' names and a client. */
const SCRIPT = `
import kafkajs from 'kafkajs';
const kafka = new kafkajs.Kafka({ brokers: process.argv.slice(1), logLevel: kafkajs.logLevel.NOTHING, connectionTimeout: 1000 });
const admin = kafka.admin();
await admin.connect();
const { topics } = await admin.fetchTopicMetadata();
console.log(JSON.stringify(topics.flatMap(({ name, partitions }) =>
  partitions.map(({ partitionId, leader, replicas, isr }) => ({ topic: name, partition: partitionId, leader, replicas, isr })))));
await admin.disconnect();`;

export class KafkaView {
  constructor(
    private readonly docker: Docker,
    private readonly containers: Containers,
  ) {}

  async partitions(): Promise<Partition[]> {
    const all = await this.containers.list();
    const brokers = [...all.keys()].filter((name) => /^kafka-\d+$/.test(name)).map((name) => `${name}:9092`);
    const image = all.get('order-1')?.image;
    if (!image) throw new ClusterError('there is no order-1, whose Kafka client this asks with');
    const network = ['--network', `${this.containers.project}_inner`];
    const node = ['node', '--input-type=module', '-e', SCRIPT, ...brokers];
    return JSON.parse(await this.docker(['run', '--rm', ...network, '--memory', '192m', image, ...node])) as Partition[];
  }
}

/** The broker that leads most of a topic's partitions. */
export function leaderOf(topic: string, partitions: readonly Partition[]): string {
  const counts = new Map<number, number>();
  for (const each of partitions) if (each.topic === topic) counts.set(each.leader, (counts.get(each.leader) ?? 0) + 1);
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  if (!most) throw new ClusterError(`Kafka has no topic ${topic}`);
  return brokerName(most[0]);
}

/** The broker that leads the partition of `__consumer_offsets` into which the group falls: its coordinator. */
export function coordinatorOf(group: string, partitions: readonly Partition[]): string {
  const offsets = partitions.filter(({ topic }) => topic === '__consumer_offsets');
  const own = offsets.find(({ partition }) => partition === (javaHash(group) & 0x7fffffff) % offsets.length);
  if (!own) throw new ClusterError('Kafka has no __consumer_offsets yet');
  return brokerName(own.leader);
}

/** The groups through which a saga goes: their coordinator's loss holds it up until they have joined another one. */
const SAGA_GROUPS = ['order', 'inventory', 'payment'];

/** Of those, the ones that a broker coordinates. */
export const coordinatedBy = (broker: string, partitions: readonly Partition[]): string[] =>
  SAGA_GROUPS.filter((group) => coordinatorOf(group, partitions) === broker);

const brokerName = (id: number): string => `kafka-${id}`;

/** Java's String.hashCode, by which Kafka chooses. */
function javaHash(text: string): number {
  let hash = 0;
  for (const char of text) hash = (Math.imul(31, hash) + char.charCodeAt(0)) | 0;
  return hash;
}
