import { logger } from '@ballast/tracing';
import { isUnavailable } from './classify.js';
import { type Host, hostName, sameHost } from './config.js';
import type { Probe } from './probe.js';
import { decide, type Sighting, UNSEEN, type View } from './topology.js';

export interface WatcherTimes {
  /** Pause between looks while there is a primary. A connection that breaks asks for a look at once. */
  healthy: number;
  /** Pause while there is none, for the first seconds of it. */
  searching: number;
  /** The same at a server that is away: it may be starting, and each look is a process more there. */
  away: number;
  /** Pause once the search has taken long. */
  waiting: number;
  /** A look that takes longer is broken off. Two in a row: the server is away. */
  limit: number;
}

const TIMES: WatcherTimes = { healthy: 1_000, searching: 50, away: 250, waiting: 500, limit: 1_500 };
const LONG_SEARCH = 10_000;

export interface WatcherListener {
  /** Where reads and writes go has changed. */
  changed(now: View, before: View): void;
}

/** Keeps looking at every server and says where reads and writes go. */
export class Watcher {
  view: View = UNSEEN;
  /**
   * Every server was looked at once, or is known to be away. A primary that was found before that may be an old one that lives on beside its
   * successor: a process that has just started remembers no timeline that would tell.
   */
  readonly looked: Promise<void>;
  /** `looked` has resolved. */
  settled = false;

  private readonly sightings = new Map<Host, Sighting>();
  private readonly listeners = new Set<WatcherListener>();
  private readonly probes: { host: Host; probe: Probe }[];
  private readonly times: WatcherTimes;
  private readonly sleepers = new Set<() => void>();
  private searchingSince = Date.now();
  private stopped = false;
  private rechecks = 0;
  private done!: () => void;
  private loops: Promise<void>[] = [];

  constructor(hosts: Host[], probe: (host: Host) => Probe, times: Partial<WatcherTimes> = {}) {
    this.times = { ...TIMES, ...times };
    this.probes = hosts.map((host) => ({ host, probe: probe(host) }));
    this.looked = new Promise((resolve) => (this.done = resolve));
  }

  start(): void {
    this.loops = this.probes.map(({ host, probe }) => this.watch(host, probe));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.recheck();
    for (const { probe } of this.probes) probe.close();
    await Promise.all(this.loops);
    this.settle();
  }

  /** Looks at every server at once: something said that the view is out of date. */
  recheck(): void {
    this.rechecks++;
    for (const wake of this.sleepers) wake();
  }

  /** Returns how to stop listening. */
  listen(listener: WatcherListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private async watch(host: Host, probe: Probe): Promise<void> {
    let overdue = 0;
    while (!this.stopped) {
      const { rechecks } = this;
      const seen = await this.look(probe);
      if (this.stopped) return;
      overdue = seen ? 0 : overdue + 1;
      if (seen) this.record(host, seen);
      else if (overdue > 1)
        this.record(host, { state: 'away', reason: 'it accepts connections but does not answer, or cannot be reached' });
      // What was asked during the look may be about something that happened after it.
      if ((seen || overdue > 1) && rechecks === this.rechecks) await this.pause(this.sightings.get(host)?.state === 'away');
    }
  }

  /** Undefined: it did not answer in time. */
  private async look(probe: Probe): Promise<Sighting | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      // One more turn of the event loop: when it was this process that was late, the answer is already in the socket.
      timer = setTimeout(() => setImmediate(() => setImmediate(resolve, undefined)), this.times.limit);
    });
    const answer = probe
      .look()
      .catch((error: unknown): Sighting => ({ state: 'away', reason: reasonOf(error), refused: !isUnavailable(error) }));
    const seen = await Promise.race([answer, late]);
    clearTimeout(timer);
    if (!seen) probe.close();
    return seen;
  }

  private record(host: Host, now: Sighting): void {
    const before = this.sightings.get(host);
    this.sightings.set(host, now);
    if (describe(before) !== describe(now)) logSighting(host, now, before);
    this.update();
    if (this.sightings.size === this.probes.length) this.settle();
  }

  private settle(): void {
    this.settled = true;
    this.done();
  }

  private update(): void {
    const before = this.view;
    const now = (this.view = decide(before, this.sightings));
    if (before.primary && !now.primary) this.searchingSince = Date.now();
    if (sameView(before, now)) return;
    for (const listener of this.listeners) listener.changed(now, before);
    if (!sameHost(before.primary, now.primary)) this.recheck();
  }

  private async pause(isAway: boolean): Promise<void> {
    const { healthy, searching, away, waiting } = this.times;
    const isNew = Date.now() - this.searchingSince < LONG_SEARCH;
    const ms = this.view.primary ? healthy : !isNew ? waiting : isAway ? away : searching;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.sleepers.add(wake);
    });
  }
}

/** What is worth a line in the log when it changes. */
const describe = (s: Sighting | undefined): string => (s?.state === 'away' && s.refused ? `away: ${s.reason}` : (s?.state ?? ''));
const sameView = (a: View, b: View): boolean =>
  sameHost(a.primary, b.primary) &&
  a.timeline === b.timeline &&
  a.replicas.length === b.replicas.length &&
  a.replicas.every((r, i) => sameHost(r, b.replicas[i]));

/** Codes and the server's own words; a connection error of several addresses has only a code. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return message || code || String(error);
}

function logSighting(host: Host, now: Sighting, before: Sighting | undefined): void {
  const fields = { host: hostName(host), state: now.state, ...(now.state === 'away' && { reason: now.reason }) };
  if (now.state !== 'away') logger().info(fields, 'database server found');
  else logger().warn(fields, before && before.state !== 'away' ? 'database server lost' : 'database server away');
}
