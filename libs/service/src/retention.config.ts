import { duration, type Duration } from '@ballast/resilience';
import { z } from 'zod';

/** How long what is done with is kept, ms. */
export interface RetentionConfig {
  /** Messages at the broker. */
  readonly topic: number;
  /** What tells a message from its repetition. */
  readonly inbox: number;
  /** Settled calls to the outside. */
  readonly intent: number;
  /** Working state of finished sagas; their history stays. */
  readonly saga: number;
  /** Answers to requests with an `Idempotency-Key`. */
  readonly idempotency: number;
}

const MINUTE = 60_000;
const YEARS = 100 * 365 * 86_400_000;
const lasting = (fallback: Duration) =>
  z
    .string()
    .default(String(fallback))
    .transform((text, context) => {
      try {
        const ms = duration(text as Duration);
        if (ms >= MINUTE && ms <= YEARS) return ms;
      } catch {
        // the same answer as for one that is too short
      }
      context.addIssue({ code: 'custom', message: 'must be a duration of a minute or more: 90m, 12h, 7d' });
      return z.NEVER;
    });

type Read = <S extends z.ZodType>(variable: string, schema: S) => z.output<S>;

/** Of a message that comes again after the inbox has forgotten it the effect would be had twice. */
export function readRetention(read: Read, refuse: (variable: string, reason: string) => void): RetentionConfig {
  const retention = {
    topic: read('TOPIC_RETENTION', lasting('3d')),
    inbox: read('INBOX_RETENTION', lasting('7d')),
    intent: read('INTENT_RETENTION', lasting('7d')),
    saga: read('SAGA_RETENTION', lasting('7d')),
    idempotency: read('IDEMPOTENCY_RETENTION', lasting('24h')),
  };
  if (retention.inbox < 2 * retention.topic) refuse('INBOX_RETENTION', 'must be at least twice TOPIC_RETENTION');
  return retention;
}
