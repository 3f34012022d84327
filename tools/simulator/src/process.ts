import type { Clock } from '@ballast/messaging';
import type { World } from './world.js';

/** What never comes: a process that was killed waits for it for ever, and its memory goes with it. */
const never = new Promise<never>(() => undefined);

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
    for (const go of waiting) this.world.after(0, go);
  }

  /** Resolves after so much time, once the process is able to notice. */
  async arrive(ms: number): Promise<void> {
    await this.world.pass(ms);
    if (!this.alive || this.stopped) await this.running();
  }

  /** Resolves at once unless it is paused; never when it was killed. */
  async running(): Promise<void> {
    while (this.alive && this.stopped) await new Promise<void>((resolve) => this.stopped!.push(resolve));
    if (!this.alive) await never;
  }

  readonly clock: Clock = {
    now: () => new Date(this.world.date),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = () => void this.running().then(resolve);
        if (signal?.aborted) return resolve();
        const event = this.world.after(ms, () => {
          signal?.removeEventListener('abort', abort);
          wake();
        });
        const abort = () => {
          event.fire = undefined;
          wake();
        };
        signal?.addEventListener('abort', abort, { once: true });
      }),
  };
}
