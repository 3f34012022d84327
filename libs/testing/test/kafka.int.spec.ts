import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { eventually, freePort, NoKafkaError, startKafka } from '../src/index.js';

describe('Kafka', () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'ballast-kafka-test-'))));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('on Java keeps its topics over a restart and makes none by itself', async () => {
    const home = join(directory, 'java');
    const first = await startKafka({ directory: home, choose: 'java' });
    expect(first.describe).toMatch(/^Apache Kafka [\d.]+ on Java$/);
    // A broker may not know at once what it has just made.
    await eventually(() => admin(first.brokers, (client) => client.createTopics({ topics: [{ topic: 'kept', numPartitions: 3 }] })));
    await first.stop();

    const second = await startKafka({ directory: home, choose: 'java' });
    try {
      const topics = await admin(second.brokers, (client) => client.fetchTopicMetadata({ topics: ['kept'] }));
      expect(topics.topics[0]?.partitions).toHaveLength(3);
      await expect(admin(second.brokers, (client) => client.fetchTopicMetadata({ topics: ['typo'] }))).rejects.toThrow(/does not host/);
    } finally {
      await second.stop();
    }
    expect(second.child?.alive).toBe(false);
  });

  it('from outside must answer', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const started = startKafka({ directory, brokers: [nobody] });
    await expect(started).rejects.toThrow(NoKafkaError);
    await expect(started).rejects.toThrow(`KAFKA_BROKERS is ${nobody}, but no broker answers there`);
  });

  it('that cannot be had is an error that says what to install', () => {
    const empty = mkdtempSync(join(directory, 'empty-'));
    const starter = join(__dirname, 'starter.mjs');
    const answer = execFileSync(process.execPath, [starter, 'kafka', empty], { env: { PATH: empty }, encoding: 'utf8' });
    expect(JSON.parse(answer)).toEqual({
      name: 'NoKafkaError',
      message:
        'There is no Kafka: KAFKA_BROKERS is not set, Docker does not answer, Java is not installed. ' +
        'Start Docker, or install Java 17 or newer and Maven, or set KAFKA_BROKERS to brokers that run.',
    });
  });
});

async function admin<T>(brokers: string[], work: (client: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const client = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 1 } }).admin();
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.disconnect();
  }
}
