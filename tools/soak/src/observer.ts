import { memoryOf, type Cluster } from '@ballast/cluster';
import { type Sample, SHARED_BUFFERS, sumOf } from './sample.js';

const TABLES = `
SELECT relname AS name, pg_total_relation_size(relid)::float8 AS bytes, n_live_tup::float8 AS rows, n_dead_tup::float8 AS dead
FROM pg_stat_user_tables WHERE relname <> 'migrations'`;

/** An order's id says when its checkout was accepted: the first 48 bits of a UUIDv7 are milliseconds. */
const ENDED = `
SELECT extract(epoch FROM finished_at) * 1000 - ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint AS ms
FROM saga WHERE finished_at >= to_timestamp($1 / 1000.0) AND finished_at < to_timestamp($2 / 1000.0)`;

const COUNT = `SELECT count(*)::int AS orders FROM orders`;

/** Looks at a platform from the outside: its databases, its processes, its metrics. */
export class Observer {
  /** Up to here ended orders were counted, a little in the past, so that none commits behind it. */
  private until = Date.now();
  private readonly start = performance.now();

  constructor(private readonly cluster: Cluster) {}

  async sample(): Promise<Sample> {
    const services = [...this.cluster.services];
    const scraped = await Promise.all(services.map(async ([name, { url }]) => [name, await this.scrape(url)] as const));
    const sum = (metric: string) => scraped.reduce((total, [, text]) => total + sumOf(text, metric), 0);
    return {
      at: (performance.now() - this.start) / 1000,
      tables: Object.assign({}, ...(await Promise.all(services.map(([name]) => this.tables(name))))) as Sample['tables'],
      memory: this.memory(),
      heap: Object.fromEntries(scraped.map(([name, text]) => [name, sumOf(text, 'nodejs_heap_size_used_bytes')])),
      latency: await this.latency(),
      outboxPending: sum('ballast_outbox_pending'),
      consumerLag: sum('ballast_consumer_lag'),
      orders: (await this.query<{ orders: number }>('order', COUNT))[0]!.orders,
    };
  }

  /** What the databases say of the whole run: one line per thing that is not as it must be. */
  async audit(accepted: number): Promise<string[]> {
    const found: string[] = [];
    const expect = async (what: string, service: string, sql: string, wanted: number) => {
      const [row] = await this.query<{ n: number }>(service, sql);
      if (row!.n !== wanted) found.push(`${what}: ${row!.n} instead of ${wanted}`);
    };
    await expect('orders', 'order', COUNT.replace('orders', 'n'), accepted);
    await expect('orders that have not ended', 'order', `SELECT count(*)::int AS n FROM orders WHERE status = 'PENDING'`, 0);
    await expect('unfinished sagas', 'order', 'SELECT count(*)::int AS n FROM saga WHERE finished_at IS NULL', 0);
    const [{ n: confirmed }] = (await this.query<{ n: number }>(
      'order',
      `SELECT count(*)::int AS n FROM orders WHERE status = 'CONFIRMED'`,
    )) as [{ n: number }];
    await expect('captures', 'payment', `SELECT count(*)::int AS n FROM payment WHERE status = 'CAPTURED'`, confirmed);
    await expect(
      'captures at the processor',
      'psp',
      `SELECT count(*)::int AS n FROM operation WHERE kind = 'capture' AND state = 'succeeded'`,
      confirmed,
    );
    await expect(
      'pieces taken from the stock',
      'inventory',
      `SELECT count(*)::int AS n FROM reservation WHERE state = 'COMMITTED'`,
      confirmed,
    );
    await expect('debits less credits', 'payment', 'SELECT coalesce(sum(debit) - sum(credit), 0)::int AS n FROM ledger_entry', 0);
    for (const service of ['cart', 'inventory', 'order', 'payment'])
      await expect(`dead letters of ${service}`, service, 'SELECT count(*)::int AS n FROM dead_letter', 0);
    return found;
  }

  private async scrape(url: string): Promise<string> {
    return (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
  }

  private async tables(service: string): Promise<Sample['tables']> {
    const rows = await this.query<{ name: string; bytes: number; rows: number; dead: number }>(service, TABLES);
    return Object.fromEntries(rows.map(({ name, ...sizes }) => [`${service}.${name}`, sizes]));
  }

  private async latency(): Promise<Sample['latency']> {
    const [from, to] = [this.until, Date.now() - 500];
    this.until = to;
    const rows = await this.query<{ ms: string }>('order', ENDED, [from, to]);
    const sorted = rows.map(({ ms }) => Number(ms)).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
  }

  private memory(): Record<string, number> {
    const { services, kafka, postgres } = this.cluster;
    const parts: [string, number | undefined][] = [...services].map(([name, { pid }]) => [name, pid]);
    if (kafka?.child) parts.push(['kafka', kafka.child.pid]);
    const all = Object.fromEntries(parts.flatMap(([name, pid]) => (pid ? [[name, memoryOf(pid) ?? 0]] : [])));
    for (const { name, pid } of postgres.nodes) if (pid) Object.assign(all, postgresMemory(name, pid));
    return all;
  }

  private query<Row extends object>(database: string, sql: string, values: unknown[] = []): Promise<Row[]> {
    const { nodes, primary } = this.cluster.postgres;
    const node = nodes.find(({ host }) => host.port === primary.port)!;
    return node.session(async (client) => (await client.query<Row>(sql, values)).rows, { database });
  }
}

/** Its buffers apart: they fill as the data does, up to what they are set to. */
function postgresMemory(name: string, pid: number): Record<string, number> {
  const shared = memoryOf(pid, 'Pss_Shmem') ?? 0;
  return { [`postgres ${name}`]: (memoryOf(pid) ?? 0) - shared, [`${SHARED_BUFFERS} of postgres ${name}`]: shared };
}
