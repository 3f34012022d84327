import type { Failpoint } from '@ballast/resilience';
import { Random } from './crash-matrix.random.js';

/** Where a service is killed, and at which occurrence at the latest: what comes rarely is not waited for long. */
export interface Point {
  service: string;
  name: Failpoint;
  /** For example a step of a saga. */
  where?: string;
  hits: number;
  action: 'kill' | 'stop';
}

const point = (service: string, name: Failpoint, hits: number, where?: string, action: Point['action'] = 'kill'): Point => ({
  ...{ service, name, hits, action },
  ...(where && { where }),
});
const STEPS = [
  ...['reserve stock', 'authorise payment', 'capture payment', 'commit stock', 'confirm order'],
  ...['undo authorise payment', 'undo reserve stock', 'onRejected'],
];
const messaging = (service: string): Point[] => [
  point(service, 'outbox.committed', 4),
  point(service, 'relay.sent', 4),
  point(service, 'inbox.applied', 4),
  point(service, 'inbox.committed', 4),
];

export const POINTS: readonly Point[] = [
  point('cart', 'idempotency.kept', 3),
  ...['cart', 'inventory', 'order', 'payment'].flatMap(messaging),
  ...STEPS.flatMap((step) => [point('order', 'saga.step.before', 2, step), point('order', 'saga.step.after', 2, step)]),
  ...['payment.authorise', 'payment.capture', 'payment.void', 'payment.refund'].flatMap((kind) => [
    point('payment', 'intent.claimed', 2, kind),
    point('payment', 'intent.performed', 2, kind),
    point('payment', 'intent.settled', 2, kind),
  ]),
  ...['authorisation', 'capture', 'cancellation', 'refund'].map((kind) => point('psp', 'psp.recorded', 2, kind)),
  // Woken when lease and session are over and another instance has taken the work: zombies.
  point('order', 'outbox.committed', 2, undefined, 'stop'),
  point('inventory', 'inbox.applied', 2, undefined, 'stop'),
];

export const titleOf = ({ service, name, where, action }: Omit<Point, 'hits'>): string =>
  `${service}: ${name}${where ? ` (${where})` : ''}${action === 'stop' ? ', paused' : ''}`;

/** As `BALLAST_FAILPOINTS` takes it. */
export const armedAs = ({ name, where, action }: Point, hit: number): string => `${name}${where ? `[${where}]` : ''}=${action}@${hit}`;

/** What a point may be asked for by: `order`, `relay.sent`, `order/relay.sent`, `order/saga.step.after[capture payment]`, `inventory/inbox.applied=stop`. */
export function namesOf({ service, name, where, action }: Point): string[] {
  const plain = [name, ...(where ? [`${name}[${where}]`] : [])];
  return [service, ...plain, ...plain.map((each) => `${service}/${each}`)].flatMap((each) => [each, `${each}=${action}`]);
}

/**
 * A seed's part of them: so many seeds in a row, beginning with one that divides by their number, take every point once. Each service's points are
 * dealt apart, so that no seed has many of one.
 */
export function dealt(points: readonly Point[], seed: number, parts: number): Point[] {
  const round = new Random(Math.floor(seed / parts));
  const services = [...new Set(points.map(({ service }) => service))];
  return services.flatMap((service, n) =>
    // Who has one left over differs by service, so that the parts are of a size.
    round.shuffled(points.filter((each) => each.service === service)).filter((_, place) => (place + n) % parts === seed % parts),
  );
}
