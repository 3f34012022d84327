import { join } from 'node:path';
import { readManifests, startCluster, startGateway, type Cluster, type Gateway, type SupervisedService } from '@ballast/cluster';
import {
  eventually,
  freePort,
  pauseFamily,
  startKafka,
  workspaceRoot,
  type Host,
  type PostgresNode,
  type RunningKafka,
} from '@ballast/testing';

/** `primary` and `replica` as they are now; `old` is the node that was the primary before the last promotion. */
export type Node = 'primary' | 'replica' | 'old';

/**
 * Takes parts of a running platform away and brings them back. It lives in the process that started the platform, tests call it
 * from theirs (`drill.client.ts`): arguments and results are plain data.
 */
export class Drill {
  #kafka: RunningKafka;
  #resumeKafka: (() => Promise<void>) | undefined;
  readonly #instances = new Map<string, SupervisedService>();
  #gateway: Gateway | undefined;
  readonly #paused = new Map<PostgresNode, () => void>();

  constructor(private readonly cluster: Cluster) {
    if (cluster.kafka.kind === 'memory') throw new Error('Drills stop and kill a Kafka: they need Docker, or Java with Maven');
    this.#kafka = cluster.kafka as RunningKafka;
  }

  /** The processes of the services, by name; null while one is not there. */
  async services(): Promise<Record<string, number | null>> {
    return Object.fromEntries([...this.cluster.services].map(([name, { pid }]) => [name, pid ?? null]));
  }

  /** A signal to a service's process. It is started again when that ends it. */
  signal(name: string, signal: NodeJS.Signals): Promise<void> {
    return this.cluster.kill(name, signal);
  }

  stopService(name: string): Promise<void> {
    return this.cluster.service(name).stop();
  }

  /** Does not wait until it is ready. */
  startService(name: string): Promise<void> {
    return this.cluster.service(name).start();
  }

  /** A gateway of its own, where `route` says which instances of a service answer. Gives its URL. */
  async openGateway(): Promise<string> {
    const routes = (await readManifests()).flatMap(({ name, routes }) =>
      routes.map((prefix) => ({ prefix, upstream: this.cluster.service(name).url })),
    );
    this.#gateway = await startGateway(routes, 0);
    return this.#gateway.url;
  }

  /** Requests below the prefix go to these instances: services of the platform, or what was deployed beside them. */
  async route(prefix: string, instances: readonly string[]): Promise<void> {
    const urls = instances.map((name) => (this.#instances.get(name) ?? this.cluster.service(name)).url);
    this.#gateway!.send(prefix, urls);
  }

  /** Starts another version of a service beside it, by the file that runs it. Gives its URL once it is ready. */
  async deploy(service: string, instance: string, main: string): Promise<string> {
    const logFile = this.cluster.home.logOf(instance);
    const deployed = this.cluster.service(service).beside({ instance, port: await freePort(), main, logFile });
    this.#instances.set(instance, deployed);
    await deployed.start();
    await deployed.ready({ firstTime: true });
    return deployed.url;
  }

  /** Stops gracefully what was deployed. */
  async retire(instance: string): Promise<void> {
    await this.#instances.get(instance)?.stop();
    this.#instances.delete(instance);
  }

  /** Waits until all services are ready and miss nothing. */
  async ready(): Promise<void> {
    await Promise.all([...this.cluster.services.values()].map((service) => service.ready()));
  }

  /**
   * With `true` a commit is acknowledged only when the replica has it too, as in the cluster. The replica of `npm start` is
   * asynchronous: what it lacks when the primary dies is lost by design, and a test that counts orders would count that.
   */
  async synchronous(on: boolean): Promise<void> {
    const primary = this.#node('primary');
    await primary.query(
      on ? `ALTER SYSTEM SET synchronous_standby_names = 'ballast_replica'` : `ALTER SYSTEM RESET synchronous_standby_names`,
    );
    await primary.query('SELECT pg_reload_conf()');
    if (!on) return;
    await eventually(async () => {
      const [row] = await primary.query<{ sync_state: string }>('SELECT sync_state FROM pg_stat_replication');
      if (row?.sync_state !== 'sync') throw new Error('the replica is not synchronous');
    });
  }

  /** The replica becomes the primary; the old one is killed first, or left `beside` it. Gives the milliseconds of the promotion itself. */
  async promote(options: { beside?: boolean } = {}): Promise<number> {
    if (!options.beside) await this.#node('primary').stop('SIGKILL');
    const start = performance.now();
    await this.cluster.postgres.promote({ beside: true });
    return performance.now() - start;
  }

  /** The old primary becomes the replica of the new one. */
  async rejoin(): Promise<void> {
    this.resumePostgres();
    await this.cluster.postgres.rejoin();
  }

  async pausePostgres(...nodes: Node[]): Promise<void> {
    for (const node of nodes.map((each) => this.#node(each))) this.#paused.set(node, pauseFamily(node.pid!));
  }

  async resumePostgres(): Promise<void> {
    for (const resume of this.#paused.values()) resume();
    this.#paused.clear();
  }

  async killPostgres(node: Node): Promise<void> {
    await this.#node(node).stop('SIGKILL');
  }

  /** Starts every node that does not run. */
  async startPostgres(): Promise<void> {
    await Promise.all(this.cluster.postgres.nodes.map((node) => (node.alive ? undefined : node.start())));
  }

  /** Asks one node, whatever it believes it is, as the superuser. */
  query(node: Node, database: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return this.#node(node).session(async (client) => (await client.query<Record<string, unknown>>(text, values)).rows, { database });
  }

  async pauseKafka(): Promise<void> {
    this.#resumeKafka = await this.#faults().pause();
  }

  async resumeKafka(): Promise<void> {
    await this.#resumeKafka?.();
    this.#resumeKafka = undefined;
  }

  async killKafka(): Promise<void> {
    await this.#faults().kill();
  }

  /** On the same data and port. Nothing happens when it runs. */
  async startKafka(): Promise<void> {
    if (this.#kafka.child?.alive) return;
    const { brokers, kind } = this.#kafka;
    const port = Number(brokers[0]!.split(':')[1]);
    const cache = join(workspaceRoot(), '.ballast', 'kafka');
    this.#kafka = await startKafka({ directory: this.cluster.home.kafka, cache, port, choose: kind });
  }

  /** Everything as it was: for the end of a test, also of one that failed half way. */
  async heal(): Promise<void> {
    await this.resumePostgres();
    await this.resumeKafka();
    const { postgres, services } = this.cluster;
    await Promise.all([...this.#instances.keys()].map((instance) => this.retire(instance)));
    await this.#gateway?.close();
    this.#gateway = undefined;
    if (!postgres.replica) await postgres.rejoin();
    await Promise.all([this.startPostgres(), this.startKafka()]);
    await this.synchronous(false);
    await Promise.all([...services.keys()].map((name) => this.startService(name)));
    await this.ready();
  }

  async stop(): Promise<void> {
    await this.resumePostgres();
    await this.resumeKafka();
    await Promise.all([...this.#instances.keys()].map((instance) => this.retire(instance)));
    await this.#gateway?.close();
    await this.cluster.stop();
    await this.#kafka.stop();
  }

  #node(which: Node): PostgresNode {
    const { nodes, primary, replica } = this.cluster.postgres;
    const at = (host: Host | undefined) => nodes.find((node) => node.host.port === host?.port);
    const found = which === 'old' ? nodes.find((node) => node !== at(primary)) : at(which === 'primary' ? primary : replica);
    if (!found) throw new Error(`There is no ${which} node`);
    return found;
  }

  #faults() {
    const { faults, describe } = this.#kafka;
    if (!faults) throw new Error(`${describe} cannot be taken away: these tests need Docker, or Java with Maven`);
    return faults;
  }
}

/** A platform of its own, for tests that break it. KAFKA_BROKERS is not used: it may be somebody else's. */
export function startDrillCluster(home: string, portOffset: number): Promise<Cluster> {
  return startCluster({ home, portOffset, purchase: false, otlpEndpoint: false, env: { '*': { RATE_LIMIT: '0' } } });
}
