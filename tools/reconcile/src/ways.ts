import { setTimeout as sleep } from 'node:timers/promises';
import type { Operator, ServiceName } from './operator.js';

/** A message that ought to have had its effect by now. */
export interface Message {
  readonly topic: string;
  readonly from: ServiceName;
  readonly to: ServiceName;
  readonly key: string;
}

/** Seconds. A message leaves its outbox within milliseconds: one that is older says that the way out of it is not free. */
const LATE = 5;
/** ms between two looks. */
const LOOK_EVERY = 1_000;

/**
 * Those of the messages that are lost. Not by their age: a broker may be away for hours, and nothing is lost. One is lost when its way was
 * free for `time` ms, so that it must have come, and its effect is still missing: read the book again before you believe it. When the
 * signal aborts before, none is.
 */
export async function lost(
  operator: Operator,
  messages: readonly Message[],
  time: number,
  signal?: AbortSignal,
): Promise<ReadonlySet<Message>> {
  const ways = new Map(messages.map((message) => [nameOf(message), new Way(operator, message)]));
  const wayOf = (message: Message) => ways.get(nameOf(message))!;
  const end = Date.now() + time;
  for (;;) {
    await Promise.all([...ways.values()].map((way) => way.look()));
    if (Date.now() >= end || messages.every((message) => wayOf(message).holds(message))) break;
    await sleep(LOOK_EVERY, undefined, { ...(signal && { signal }) }).catch(() => undefined);
    if (signal?.aborted) return new Set();
  }
  return new Set(messages.filter((message) => wayOf(message).isRead && !wayOf(message).holds(message)));
}

const nameOf = ({ topic, to }: Message) => `${topic} ${to}`;

/**
 * A way from an outbox to its reader's handlers, by what sender and reader say of themselves. What was in the way at one look may be
 * so until the end. A partition that was read to its end once has nothing left of what came before.
 */
class Way {
  private blocked = false;
  private readonly held = new Set<string>();
  /** Partitions of which something was left to read at every look. */
  private behind?: ReadonlySet<number>;

  constructor(
    private readonly operator: Operator,
    private readonly ends: Message,
  ) {}

  get isRead(): boolean {
    return this.behind?.size === 0;
  }

  holds({ key }: Message): boolean {
    return this.blocked || this.held.has(key);
  }

  async look(): Promise<void> {
    const { operator } = this;
    const { from, to, topic } = this.ends;
    const [outbox, parked, letters, readers, lags] = await Promise.all([
      operator.get<{ oldestSeconds: number }>(from, 'outbox'),
      operator.list<{ key: string }>(from, 'outbox/parked'),
      operator.list<{ key: string }>(to, 'dead-letters', { status: 'OPEN', topic }),
      operator.each<{ away: string[] }>(to, '/health/ready'),
      operator.each<{ partitions: { topic: string; partition: number; messages: number }[] }>(to, '/ops/v1/lag'),
    ]);
    if (outbox.oldestSeconds > LATE || readers.some(({ away }) => away.includes('broker'))) this.blocked = true;
    for (const { key } of [...parked, ...letters]) this.held.add(key);
    const behind = lags
      .flatMap(({ partitions }) => partitions)
      .filter((each) => each.topic === topic && each.messages > 0)
      .map(({ partition }) => partition);
    this.behind = new Set(behind.filter((partition) => this.behind?.has(partition) ?? true));
  }
}
