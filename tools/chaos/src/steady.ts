import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError, messageOf } from '@ballast/cluster';
import { isDatabase } from './containers.js';
import type { SteadyState } from './experiment.js';
import type { Load } from './load.js';
import type { Views } from './targets.js';

/** What of the hypothesis does not hold now; nothing when it all does. */
export async function check(state: SteadyState, views: Views, load: Pick<Load, 'lastAcknowledged' | 'oldestPending'>): Promise<string[]> {
  const found = shopping(state, load);
  found.push(...(await attempt(() => containers(views))));
  if (state.postgres) found.push(...(await attempt(() => postgres(views))));
  // Dear to ask: only when everything else is well.
  if (state.kafka && !found.length) found.push(...(await attempt(() => kafka(views))));
  return found;
}

/** The part that costs nothing to look at, again and again while the cluster is disturbed. */
export function shopping({ checkouts, orders }: SteadyState, load: Pick<Load, 'lastAcknowledged' | 'oldestPending'>): string[] {
  const found: string[] = [];
  const since = Date.now() - (load.lastAcknowledged?.at ?? 0);
  if (since > checkouts) found.push('checkouts are not acknowledged');
  if (load.oldestPending > orders) found.push('orders do not end');
  return found;
}

/** Waits until all of it holds. Gives the milliseconds it took. @throws {ClusterError} that says what did not, after `back` */
export async function untilSteady(state: SteadyState, views: Views, load: Load, signal: AbortSignal): Promise<number> {
  const start = Date.now();
  for (;;) {
    const found = await check(state, views, load);
    if (!found.length) return Date.now() - start;
    signal.throwIfAborted();
    if (Date.now() - start > state.back) throw new ClusterError(`the steady state did not come: ${found.join('; ')}`);
    await sleep(500, undefined, { signal });
  }
}

async function containers({ containers }: Views): Promise<string[]> {
  return [...(await containers.list()).values()].flatMap(({ name, running, paused, health }) => {
    if (!running || paused) return [`${name} does not run`];
    return health && health !== 'healthy' ? [`${name} is ${health}`] : [];
  });
}

async function postgres({ patroni, containers }: Views): Promise<string[]> {
  const members = await patroni.members();
  const nodes = [...(await containers.list()).keys()].filter(isDatabase);
  const found = nodes.filter((name) => !members.some((member) => member.name === name)).map((name) => `${name} is no member`);
  for (const { name, role, state } of members)
    if (state !== (role === 'leader' ? 'running' : 'streaming')) found.push(`${name} is ${role}, ${state}`);
  if (members.filter(({ role }) => role === 'leader').length !== 1) found.push('Postgres has no primary');
  if (!members.some(({ role }) => role === 'quorum_standby' || role === 'sync_standby')) found.push('no replica is synchronous');
  return found;
}

async function kafka({ kafka }: Views): Promise<string[]> {
  const behind = (await kafka.partitions()).filter(({ isr, replicas }) => isr.length < replicas.length);
  return behind.length ? [`${behind.length} partitions of Kafka lack copies`] : [];
}

/** What cannot be asked is not as it must be. */
async function attempt(ask: () => Promise<string[]>): Promise<string[]> {
  try {
    return await ask();
  } catch (error) {
    return [messageOf(error)];
  }
}
