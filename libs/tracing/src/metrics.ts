import { collectDefaultMetrics, Counter, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import { perScope } from './scope.js';

export type { Counter, Gauge, Histogram };

type Collector = (gauge: Gauge<string>) => void | Promise<void>;

/** Of the process, whoever asks. Made with the first metric, not on import: the event-loop monitor and the garbage-collection observer cost a tool nothing. */
let ofProcess: Registry | undefined;
function processMetrics(): Registry {
  if (!ofProcess) collectDefaultMetrics({ register: (ofProcess = new Registry()) });
  return ofProcess!;
}

/** The metrics of a service, and who is asked for what at each scrape. */
const own = perScope(() => {
  processMetrics();
  return { registry: new Registry(), collectors: new Map<string, Collector>() };
});

/** The counter of this name, made on the first call. Throws `TypeError` when the name is taken by another kind or other labels. */
export function counter<L extends string = never>(name: string, help: string, labels: readonly L[] = []): Counter<L> {
  return once(name, labels, Counter<L>, () => new Counter({ name, help, labelNames: labels, registers: [own().registry] }));
}

/**
 * The gauge of this name. `collect` is asked at each scrape; a later call with another `collect` replaces it. When it fails,
 * the gauge has no value at that scrape, rather than a stale one.
 */
export function gauge<L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
  collect?: (gauge: Gauge<L>) => void | Promise<void>,
): Gauge<L> {
  const { registry, collectors } = own();
  if (collect) collectors.set(name, collect as Collector);
  return once(
    name,
    labels,
    Gauge<L>,
    () =>
      new Gauge({
        ...{ name, help, labelNames: labels, registers: [registry] },
        async collect() {
          await runCollector(this, collectors.get(name));
        },
      }),
  );
}

/** The histogram of this name; `buckets` are upper bounds, seconds by convention. */
export function histogram<L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
  buckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
): Histogram<L> {
  return once(
    name,
    labels,
    Histogram<L>,
    () => new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [own().registry] }),
  );
}

/** Every metric in Prometheus' text format: the process's and, of several services in one process, those of the scope this is called in. */
export async function metricsText(): Promise<string> {
  const texts = await Promise.all([processMetrics().metrics(), own().registry.metrics()]);
  return texts.join('\n');
}

export const metricsContentType: string = Registry.PROMETHEUS_CONTENT_TYPE;

async function runCollector(gauge: Gauge<string>, collect: Collector | undefined): Promise<void> {
  try {
    await collect?.(gauge);
  } catch {
    // Resetting a gauge without labels would set it to 0.
    if (labelsOf(gauge).length > 0) gauge.reset();
    else gauge.remove();
  }
}

function once<M extends Metric>(name: string, labels: readonly string[], kind: abstract new (...args: never[]) => M, make: () => M): M {
  const known = own().registry.getSingleMetric(name);
  if (!known) return make();
  if (!(known instanceof kind) || !same(labelsOf(known), labels))
    throw new TypeError(`metric ${name} exists with another kind or other labels`);
  return known;
}

/** Asked each time something is counted. */
const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((label, i) => label === b[i]);
const labelsOf = (metric: object) => (metric as { labelNames: string[] }).labelNames;
