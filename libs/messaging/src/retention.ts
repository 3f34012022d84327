import type { RetentionRule } from '@ballast/database';

const DAY = 86_400_000;

/** Milliseconds that the messaging tables, and the broker, keep things. */
export interface MessagingRetention {
  /** What topics are created with. A broker deletes whole segments, so a message can stay a third longer, see `kafka.topics.ts`. */
  topic: number;
  /**
   * How long a message is told from its repetition, and a command's answer is given again. At least twice `topic`, or a replay could
   * have an effect twice. A command that comes later than that is done again, so participants are idempotent by their own ids too.
   */
  inbox: number;
  /** How long a settled intent can be looked at. */
  intent: number;
}

export const DEFAULT_RETENTION: MessagingRetention = { topic: 3 * DAY, inbox: 7 * DAY, intent: 7 * DAY };
/** How long a dead letter that was dealt with can be looked at. One that is open stays. */
const SETTLED_LETTER = 30 * DAY;

/** Throws `RangeError` when the inbox would forget what a broker may still deliver. */
export function resolveRetention(given: Partial<MessagingRetention> = {}): MessagingRetention {
  const retention = { ...DEFAULT_RETENTION, ...given };
  if (retention.inbox < 2 * retention.topic)
    throw new RangeError(
      `the inbox must remember at least twice as long as topics keep messages: ${retention.inbox} ms, ${retention.topic} ms`,
    );
  return retention;
}

export const rulesOf = ({ inbox, intent }: MessagingRetention): RetentionRule[] => [
  { table: 'inbox', since: 'received_at', keep: inbox },
  { table: 'intent', since: 'done_at', keep: intent, where: `state = 'DONE'` },
  {
    table: 'dead_letter',
    since: 'settled_at',
    keep: SETTLED_LETTER,
    where: `status <> 'OPEN' AND NOT EXISTS (SELECT FROM parked_key WHERE dead_letter_id = dead_letter.id)`,
  },
];
