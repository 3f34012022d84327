import type { Database, DatabaseConfig } from '@ballast/database';
import { type Cluster, silentProgress, startCluster } from '@ballast/cluster';
import {
  createServiceDatabase,
  eventually,
  randomSecret,
  type RunningKafka,
  type RunningPostgres,
  startKafka,
  startPostgres,
  uniqueName,
} from '@ballast/testing';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { Pool } from 'pg';
import { openDatabase } from './database.js';
import { scratch } from './scratch.js';

export interface Store {
  readonly name: string;
  readonly url: string;
  readonly config: DatabaseConfig;
  /** As a service opens it. */
  database(poolSize: number): Promise<Database>;
  /** Plain pg, as the raw sides use it. */
  pool(size: number): Pool;
}

export interface StageOptions {
  /** A Kafka that runs already. */
  brokers?: string[];
  log(line: string): void;
  signal: AbortSignal;
}

const PORT_OFFSET = 17_000;

/** A Postgres and a Kafka for the benchmarks alone, with the settings of `npm start`: what is acknowledged is on the disk. */
export class Stage {
  private readonly undo: (() => unknown)[] = [];

  private constructor(
    readonly postgres: RunningPostgres,
    readonly kafka: Pick<RunningKafka, 'brokers' | 'describe'>,
    /** Temporary: it goes with the stage. */
    readonly directory: string,
    private readonly end: () => Promise<unknown>,
    /** The whole platform, where it was asked for: the databases of both sides are then on its Postgres. */
    readonly cluster?: Cluster,
  ) {}

  static async open({ brokers, log, signal }: StageOptions): Promise<Stage> {
    const { directory, drop } = scratch('ballast-bench-', 'postgres');
    let postgres: RunningPostgres | undefined;
    let kafka: RunningKafka | undefined;
    const end = async () => {
      await Promise.allSettled([kafka?.stop(), postgres?.stop()]);
      drop();
    };
    try {
      postgres = await startPostgres({ directory: join(directory, 'postgres'), replica: false, log, signal });
      kafka = await startKafka({ directory: join(directory, 'kafka'), log, signal, ...(brokers && { brokers }) });
      return new Stage(postgres, kafka, directory, end);
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** With the six services as `npm start` runs them, on other ports. */
  static async withPlatform({ brokers, signal }: StageOptions): Promise<Stage> {
    const { directory: home, drop } = scratch('ballast-bench-platform-', join('data', 'postgres'));
    try {
      const cluster = await startCluster({
        ...{ home, portOffset: PORT_OFFSET, fresh: true, purchase: false, otlpEndpoint: false, progress: silentProgress, signal },
        env: { '*': { RATE_LIMIT: '0', LOG_LEVEL: 'warn' } },
        ...(brokers && { kafka: { brokers } }),
      });
      const end = () => cluster.stop().finally(drop);
      if (cluster.kafka.brokers.length) return new Stage(cluster.postgres, cluster.kafka, home, end, cluster);
      await end();
      throw new Error(
        'whole checkouts are measured on a Kafka, and there is none: start Docker, install Java 17 and Maven, or set KAFKA_BROKERS',
      );
    } catch (error) {
      drop();
      throw error;
    }
  }

  /** A fresh service database with the tables of the messaging library and of the benchmarks. */
  async store(prefix: string): Promise<Store> {
    const name = uniqueName(prefix);
    const [password, ownerPassword] = [randomSecret(), randomSecret()];
    await createServiceDatabase(this.postgres, name, { password, ownerPassword });
    const { host, port } = this.postgres.primary;
    const config = { hosts: [{ host, port }], name, user: name, password, owner: { user: `${name}_owner`, password: ownerPassword } };
    const database = async (poolSize: number) => {
      const opened = await openDatabase(config, poolSize);
      this.undo.push(() => opened.close());
      return opened;
    };
    await (await database(1)).close();
    return {
      ...{ name, config, database },
      url: `postgresql://${name}_owner:${ownerPassword}@${host}:${port}/${name}`,
      pool: (max) => {
        const pool = new Pool({ host, port, database: name, user: name, password, max, min: max });
        pool.on('error', () => undefined);
        this.undo.push(() => pool.ended || pool.end());
        return pool;
      },
    };
  }

  /** kafkajs alone, as quiet as the library has it. */
  client(clientId: string): Kafka {
    return new Kafka({ clientId, brokers: this.kafka.brokers, logLevel: logLevel.NOTHING });
  }

  async topics(names: readonly string[], numPartitions = 12): Promise<void> {
    const admin = this.client('bench-admin').admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: false, topics: names.map((topic) => ({ topic, numPartitions, replicationFactor: 1 })) });
    // kafkajs' own wait ends with an error when the broker has not yet heard of a topic from its controller.
    await eventually(() => admin.fetchTopicMetadata({ topics: [...names] }));
    await admin.disconnect();
  }

  /** @throws when a figure would be of a database that does not wait for its disk */
  async durable(): Promise<void> {
    const rows = await this.postgres.nodes[0]!.query<{ name: string; setting: string }>(
      `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')`,
    );
    const off = rows.filter(({ setting }) => setting !== 'on').map(({ name }) => name);
    if (off.length) throw new Error(`${off.join(', ')} of Postgres is not on: that would be no figure of a durable platform`);
  }

  async close(): Promise<void> {
    for (const undo of this.undo.splice(0).reverse()) await Promise.resolve(undo()).catch(() => undefined);
    await this.end();
  }
}
