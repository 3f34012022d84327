import type { Clock } from '@ballast/messaging';
import type { World } from './world.js';

/**
 * One start of one instance of a service. Everything that comes to it from outside (an answer, a timer) comes through `arrive`: not at
 * all once it was killed, and later while it is paused.
 */
export class Process {
  alive = true;
  private stopped?: (() => void)[];

  constructor(
    readonly world: World,
    /** `payment-1` */
    readonly name: string,
    /** Counts its starts. */
    readonly start: number,
  ) {}

  get paused(): boolean {
    return this.stopped !== undefined;
  }

  /** Neither killed nor paused. */
  get free(): boolean {
    return this.alive && !this.stopped;
  }

  /** As by SIGKILL: what is at work never goes on. */
  kill(): void {
    this.alive = false;
    this.stopped = undefined;
  }

  /** As by SIGSTOP. */
  pause(): void {
    this.stopped ??= [];
  }

  /** One thing after the other, as an event loop does that finds much to do. */
  continue(): void {
    const waiting = this.stopped ?? [];
    this.stopped = undefined;
    for (const go of waiting) this.world.after(0, () => this.enter(go));
  }

  /** Resolves after so much time, once the process is able to notice. */
  arrive(ms: number): Promise<void> {
    return new Promise((resolve) => this.world.after(ms, () => this.enter(resolve)));
  }

  /** Resolves at once unless it is paused; never when it was killed. */
  running(): Promise<void> {
    return new Promise((resolve) => this.enter(resolve));
  }

  readonly clock: Clock = {
    now: () => new Date(this.world.date),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const event = this.world.after(ms, () => {
          signal?.removeEventListener('abort', abort);
          this.enter(resolve);
        });
        const abort = () => {
          event.fire = undefined;
          this.enter(resolve);
        };
        signal?.addEventListener('abort', abort, { once: true });
      }),
  };

  /** The gate. What comes to a process that was killed is dropped, and with it whatever of its memory only that could wake. */
  private enter(go: () => void): void {
    if (!this.alive) return;
    if (this.stopped) this.stopped.push(go);
    else go();
  }
}
