import { backoff } from '@ballast/resilience';
import { systemClock } from './clock.js';
import type { GroupMember } from './kafka.client.js';
import type { Subscription } from './transport.js';
import { Trouble } from './trouble.js';

/** A member of a consumer group that comes back after every fault until it is stopped. */
export class KafkaSubscription implements Subscription {
  private readonly stopping = new AbortController();
  private readonly trouble: Trouble;
  private running?: Promise<void>;

  constructor(
    private readonly member: GroupMember,
    private readonly group: string,
    private readonly whenConnected: (signal: AbortSignal) => Promise<void>,
  ) {
    this.trouble = new Trouble('the consumer is not in its group');
  }

  /** Whether it is a member of its group now, so that what comes is read. */
  get joined(): boolean {
    return this.member.joined;
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let failures = 0;
    const joined = () => {
      failures = 0;
      this.trouble.over();
    };
    while (!signal.aborted) {
      await this.whenConnected(signal);
      if (signal.aborted) return;
      try {
        await this.member.consume(signal, joined);
      } catch (error) {
        // One is nothing yet: a coordinator that moved, or is not there yet in a broker that has just started.
        if (failures++ > 0) this.trouble.found(error, { group: this.group });
      }
      await systemClock.sleep(100 + backoff(Math.max(1, failures), { initial: 200, max: 2_000 }), signal);
    }
  }
}
