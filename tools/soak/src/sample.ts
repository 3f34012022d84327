/** What a soak looks at every few seconds. Sizes in bytes, times in milliseconds. */
export interface Sample {
  /** Seconds since the load began. */
  at: number;
  /** `service.table`: what the table takes with its indexes, and its rows, as the statistics have them. */
  tables: Record<string, { bytes: number; rows: number; dead: number }>;
  /** Proportional memory of each part; of Postgres its shared buffers apart. */
  memory: Record<string, number>;
  /** What the garbage collector has left of each service's heap, or not looked at yet. */
  heap: Record<string, number>;
  /** From the acknowledged checkout to the order's end, of those that ended since the last sample. */
  latency: { count: number; p50: number; p99: number };
  /** Of all services together. */
  outboxPending: number;
  consumerLag: number;
  orders: number;
}

/** Begins the name of a part of `memory` that is bounded by a setting, not by being flat. */
export const SHARED_BUFFERS = 'shared buffers';

/** The sum of a metric over its labels, in Prometheus' text format. */
export function sumOf(text: string, metric: string): number {
  return [...text.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0);
}
