import { ConnectionPool, Consumer } from '@platformatic/kafka';
import { type Connecting, type GroupMember, MEMBERSHIP } from './kafka.client.js';
import { answersIn } from './platformatic.errors.js';
import { openSlots } from './platformatic.fetcher.js';
import { PlatformaticGroup } from './platformatic.group.js';
import { baseOptions, closeClient } from './platformatic.options.js';
import { PlatformaticRound } from './platformatic.round.js';
import type { Slot } from './platformatic.slot.js';
import { whileUnsettled } from './platformatic.unsettled.js';
import type { SubscribeOptions } from './transport.js';

export class PlatformaticMember implements GroupMember {
  /** When the coordinator last took this consumer for a member. */
  private heardAt = -Infinity;

  constructor(
    private readonly connecting: Connecting,
    private readonly options: SubscribeOptions,
  ) {}

  /** After a session's time without a word the coordinator has given a member up, too. */
  get joined(): boolean {
    return performance.now() - this.heardAt < MEMBERSHIP.sessionTimeout;
  }

  async consume(signal: AbortSignal, onJoined: () => void): Promise<void> {
    const { group: groupId, topics, onBatch } = this.options;
    const options = baseOptions(this.connecting);
    const consumer = new Consumer({ ...options, groupId });
    consumer.topics.trackAll(...topics);
    const group = new PlatformaticGroup(consumer, topics);
    const newConnections = () => new ConnectionPool(this.connecting.clientId, options);
    const heard = () => void (this.heardAt = performance.now());
    try {
      while (!signal.aborted) {
        const slots = await unlessStopped(signal, this.join(consumer, group, signal));
        if (!slots) return;
        heard();
        onJoined();
        await new PlatformaticRound({ consumer, group, newConnections, slots, onBatch, heard }).run(signal);
      }
    } catch (error) {
      // The client's own words name its request only.
      const answers = answersIn(error);
      throw answers.length ? new Error(answers.join(), { cause: error }) : error;
    } finally {
      this.heardAt = -Infinity;
      await group.leave();
      await closeClient(consumer);
    }
  }

  private async join(consumer: Consumer, group: PlatformaticGroup, signal: AbortSignal): Promise<Slot[]> {
    const assignment = await whileUnsettled(() => group.join(), signal);
    const committed = await whileUnsettled(() => group.committed(assignment), signal);
    return whileUnsettled(() => {
      consumer.clearMetadata();
      return openSlots(consumer, assignment, committed);
    }, signal);
  }
}

/** A join can take as long as the slowest member; a stop does not wait for it. */
async function unlessStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  let stop!: () => void;
  const stopped = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop);
  });
  work.catch(() => undefined);
  return Promise.race([work, stopped]).finally(() => signal.removeEventListener('abort', stop));
}
