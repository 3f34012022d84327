import type { Database } from '@ballast/database';
import type { Clock } from './clock.js';
import type { IntentStore } from './intent.store.js';
import type { LaneStore } from './lanes.js';
import { metrics } from './metrics.js';
import type { RelayStore } from './relay.store.js';

const EVERY = 5_000;

/** Puts what the tables hold into gauges, now and then rather than at each scrape: a scrape must answer while the database is away. */
export class Sampler {
  private readonly kinds = new Set<string>();
  private lanesShown = 0;

  constructor(
    private readonly database: Pick<Database, 'primary' | 'available'>,
    private readonly relay: RelayStore,
    private readonly intents: IntentStore,
    private readonly clock: Clock,
    private readonly lanes: LaneStore,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.database.available) await this.sample().catch(() => undefined);
      await this.clock.sleep(EVERY, signal);
    }
  }

  private async sample(): Promise<void> {
    const { pending, parked, oldestSeconds } = await this.relay.backlog();
    metrics.pending().set(pending);
    metrics.parkedRecords().set(parked);
    metrics.oldest().set(oldestSeconds);
    await this.sampleLanes(pending);
    const [{ open }] = await this.database.primary.query<[{ open: number }]>(
      `SELECT count(*)::int AS open FROM dead_letter WHERE status = 'OPEN'`,
    );
    metrics.deadLettersOpen().set(open);
    const counted = new Map((await this.intents.open()).map((row) => [row.kind, row]));
    for (const kind of counted.keys()) this.kinds.add(kind);
    for (const kind of this.kinds) {
      metrics.intents().set({ kind }, counted.get(kind)?.count ?? 0);
      metrics.oldestIntent().set({ kind }, counted.get(kind)?.oldestSeconds ?? 0);
    }
  }

  /** Lanes that are gone stay, at 0: a series that ends looks like one that cannot be read. */
  private async sampleLanes(pending: number): Promise<void> {
    const { lanes } = await this.lanes.look();
    const each = lanes === 1 ? [pending] : await this.lanes.pending();
    this.lanesShown = Math.max(this.lanesShown, lanes);
    metrics.lanes().set(lanes);
    for (let lane = 0; lane < this.lanesShown; lane++) metrics.lanePending().set({ lane: String(lane) }, each[lane] ?? 0);
  }
}
