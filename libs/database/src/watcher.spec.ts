import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from './config.js';
import type { Probe } from './probe.js';
import type { Sighting, View } from './topology.js';
import { Watcher } from './watcher.js';

const a: Host = { host: 'a', port: 1 };
const b: Host = { host: 'b', port: 2 };

/** Servers whose state the test sets. `hangs` never answers until it is closed. */
class FakeServers {
  readonly states = new Map<Host, Sighting | 'hangs'>();
  looks = 0;
  readonly looksAt = new Map<Host, number>();
  closed = 0;
  /** Lets the look that hangs see what there is now. */
  release: () => void = () => undefined;

  probe = (host: Host): Probe => {
    let release: (() => void) | undefined;
    return {
      look: () => {
        this.looks++;
        this.looksAt.set(host, (this.looksAt.get(host) ?? 0) + 1);
        const state = this.states.get(host) ?? { state: 'away', reason: 'unset' };
        if (state !== 'hangs') return Promise.resolve(state);
        return new Promise((resolve, reject) => {
          release = () => reject(new Error('closed'));
          this.release = () => resolve(this.states.get(host) as Sighting);
        });
      },
      close: () => {
        this.closed++;
        release?.();
      },
    };
  };
}

describe('the watcher', () => {
  const servers = new FakeServers();
  let watcher: Watcher;
  const views: View[] = [];

  function watch(times: object): Watcher {
    watcher = new Watcher([a, b], servers.probe, { healthy: 5, searching: 1, away: 1, waiting: 1, limit: 20, ...times });
    watcher.listen({ changed: (now) => views.push(now) });
    watcher.start();
    return watcher;
  }
  const until = async (condition: () => boolean) => {
    while (!condition()) await sleep(1);
  };

  beforeEach(() => {
    servers.states.clear();
    servers.looksAt.clear();
    servers.looks = servers.closed = 0;
    views.length = 0;
  });
  afterEach(() => watcher.stop());

  it('finds the primary and its replica', async () => {
    servers.states.set(a, { state: 'replica' }).set(b, { state: 'primary', timeline: 1, instance: 'b' });
    watch({});
    await watcher.looked;
    await until(() => watcher.view.replicas.length === 1);
    expect(watcher.view).toMatchObject({ primary: b, replicas: [a] });
  });

  it('has looked when every server was seen once, also without a primary', async () => {
    watch({});
    await watcher.looked;
    expect(watcher.view.primary).toBeUndefined();
    expect(watcher.view.reason).toContain('a:1: unset');
  });

  it('follows a promotion', async () => {
    servers.states.set(a, { state: 'primary', timeline: 1, instance: 'a' }).set(b, { state: 'replica' });
    watch({});
    await until(() => watcher.view.primary === a);
    servers.states.set(a, { state: 'away', reason: 'refused' });
    await until(() => watcher.view.primary === undefined);
    servers.states.set(b, { state: 'primary', timeline: 2, instance: 'b' });
    await until(() => watcher.view.primary === b);
    expect(watcher.view.timeline).toBe(2);
  });

  it('takes a server that hangs for away, after breaking off two looks', async () => {
    servers.states.set(a, { state: 'primary', timeline: 1, instance: 'a' }).set(b, { state: 'replica' });
    watch({});
    await until(() => watcher.view.primary === a);
    const before = servers.closed;
    servers.states.set(a, 'hangs');
    await until(() => watcher.view.primary === undefined);
    expect(servers.closed - before).toBeGreaterThanOrEqual(2);
    expect(watcher.view.reason).toContain('does not answer');
  });

  it('a server that hangs holds up no other', async () => {
    servers.states.set(a, 'hangs').set(b, { state: 'primary', timeline: 1, instance: 'b' });
    watch({ limit: 60_000 });
    await until(() => watcher.view.primary === b);
  });

  it('has looked only when every server has answered or is known to hang: the first primary it meets may be an old one', async () => {
    servers.states.set(a, { state: 'primary', timeline: 1, instance: 'a' }).set(b, 'hangs');
    watch({ limit: 60_000 });
    await until(() => watcher.view.primary === a && servers.looks > 10);
    expect(watcher.settled).toBe(false);
    servers.states.set(b, { state: 'primary', timeline: 2, instance: 'b' });
    servers.release();
    await watcher.looked;
    expect(watcher.view.primary).toBe(b);
  });

  it('has looked when one server hangs for good', async () => {
    servers.states.set(a, 'hangs').set(b, { state: 'primary', timeline: 1, instance: 'b' });
    watch({});
    await watcher.looked;
    expect(watcher.view.primary).toBe(b);
  });

  it('looks again at once when told to', async () => {
    servers.states.set(a, { state: 'primary', timeline: 1, instance: 'a' }).set(b, { state: 'replica' });
    watch({ healthy: 600_000 });
    await until(() => watcher.view.replicas.length === 1);
    servers.states.set(a, { state: 'away', reason: 'refused' }).set(b, { state: 'primary', timeline: 2, instance: 'b' });
    watcher.recheck();
    await until(() => watcher.view.primary === b);
  });

  it('looks less often at a server that is away than at one that may become the primary, and at once when told to', async () => {
    servers.states.set(a, { state: 'replica' });
    watch({ away: 60_000 });
    await until(() => servers.looksAt.get(a)! > 20);
    expect(servers.looksAt.get(b)).toBe(1);
    watcher.recheck();
    await until(() => servers.looksAt.get(b)! > 1);
  });

  it('tells changes only', async () => {
    servers.states.set(a, { state: 'primary', timeline: 1, instance: 'a' }).set(b, { state: 'replica' });
    watch({ healthy: 1 });
    await until(() => servers.looks > 20);
    expect(views.length).toBeLessThanOrEqual(2);
  });

  it('stops while a look hangs', async () => {
    servers.states.set(a, 'hangs').set(b, 'hangs');
    watch({ limit: 600_000 });
    await watcher.stop();
  });
});
