import { CommitUnknownError, isUnavailable, sqlState, type Tx } from '@ballast/database';
import { backoff, failpoint } from '@ballast/resilience';
import { logger, withContext } from '@ballast/tracing';
import { Refused } from './answer.js';
import { BatchSession, StaleBatchError } from './batch-session.js';
import { isBlameless } from './blame.js';
import type { Clock } from './clock.js';
import { Effects, type EffectsSettings, type Outcome } from './effects.js';
import { classify, type Incoming, type ValidMessage } from './incoming.js';
import { forgetLag, noteLag } from './lag.js';
import { metrics } from './metrics.js';
import type { Router } from './route.js';
import { Slowness } from './slowness.js';
import type { Batch } from './transport.js';
import { Trouble } from './trouble.js';

/** The part of `Database` that message handling needs. */
export interface UnitOfWork {
  /** `attempts`: how often it is tried when it loses against another transaction. */
  transaction<T>(work: (tx: Tx) => Promise<T>, o?: { attempts?: number }): Promise<T>;
  whenAvailable(signal?: AbortSignal): Promise<void>;
}

export interface InboxSettings extends EffectsSettings {
  router: Router;
  database: UnitOfWork;
  clock: Clock;
}

/** Messages that share a transaction: enough that commits are cheap, few enough that one failure does not repeat much work. */
const CHUNK = 64;
/** How often a message that fails by itself is tried before it is set aside. */
const ATTEMPTS = 3;
const RETRY = { initial: 200, max: 1_000 };
const TIMED_OUT = '57014';

/** A failed transaction, and whether the handlers had been reached: before that, the failure is not theirs. */
class Failure extends Error {
  readonly blameless: boolean;
  /** It would have failed whatever the messages were. A deadlock is not of that kind: many messages hold many locks, one alone holds few. */
  readonly wholesale: boolean;
  /** The handler's own statement ran out of time. Waiting for a lock ends sooner, and is another error. */
  readonly slow: boolean;
  constructor(
    override readonly cause: unknown,
    reached: boolean,
  ) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.blameless = !reached || isBlameless(cause);
    this.wholesale = !reached || isUnavailable(cause) || cause instanceof CommitUnknownError;
    this.slow = reached && sqlState(cause) === TIMED_OUT;
  }
}

/**
 * Turns batches into effects. Inbox row and effect are one transaction, the offset follows: exactly-once effect. Up to 64 messages share a
 * transaction; when it fails, each gets its own. In order per partition, except that a poisoned event's key waits while others go on.
 */
export class Inbox {
  private readonly effects: Effects;
  private readonly troubles = new Map<string, Trouble>();
  private readonly slowness = new Slowness();

  constructor(private readonly s: InboxSettings) {
    this.effects = new Effects(s);
  }

  /** Handles what the batch holds and commits its offsets. Rejects when the membership was lost; what is left comes again. */
  async onBatch(batch: Batch): Promise<void> {
    const session = new BatchSession(batch, this.s.clock);
    noteLag(batch, batch.records.length);
    try {
      for (let from = 0; from < batch.records.length; from += CHUNK) {
        session.check();
        const records = batch.records.slice(from, from + CHUNK);
        const items = records.flatMap((record) => classify(record, this.s.router) ?? []);
        if (items.length) await this.handle(items, session);
        if (items.length) failpoint('inbox.committed');
        await batch.commit(String(BigInt(records.at(-1)!.offset) + 1n));
        noteLag(batch, batch.records.length - from - records.length);
      }
      session.check();
    } catch (error) {
      // Somebody else may report this partition from now on.
      forgetLag(batch);
      if (!(error instanceof StaleBatchError)) throw error;
    } finally {
      this.slowness.forget(placeOf(session));
      session.end();
    }
  }

  private async handle(items: readonly Incoming[], session: BatchSession): Promise<void> {
    if (items.length > 1) {
      for (let tries = 1; ; tries++) {
        try {
          return await this.together(items, session);
        } catch (error) {
          if (!(error as Failure).wholesale) break;
          await this.waitOut(error, tries, session);
        }
      }
    }
    for (const item of items) {
      session.check();
      await this.alone(item, session);
    }
  }

  /** One message, until it is handled, refused or set aside. Only failures of its own count. */
  private async alone(item: Incoming, session: BatchSession): Promise<void> {
    for (let attempt = 1, outages = 0; ;) {
      try {
        return await this.together([item], session);
      } catch (failure) {
        const { blameless, cause, slow } = failure as Failure;
        if (blameless && !(slow && this.slowness.isOwn(placeOf(session)))) {
          await this.waitOut(failure, ++outages, session);
        } else if (cause instanceof Refused && item.route?.kind === 'command') {
          return this.insist(item, session, (tx) => this.effects.refuse(tx, item as ValidMessage, cause));
        } else if (attempt >= ATTEMPTS) {
          return this.insist(item, session, (tx) => this.effects.bury(tx, item, session.batch.partition, cause as Error, attempt));
        } else {
          await session.pause(backoff(attempt++, RETRY));
        }
      }
    }
  }

  /** All in one transaction. Throws `Failure`. */
  private async together(items: readonly Incoming[], session: BatchSession): Promise<void> {
    let reached = false;
    let outcomes: Outcome[];
    const retries = items.length > 1 ? { attempts: 1 } : {};
    try {
      outcomes = await this.s.database.transaction(async (tx) => {
        reached = false;
        const claimed = await this.effects.claim(tx, items);
        reached = true;
        const done = await this.effects.apply(tx, items, claimed, session.batch.partition);
        failpoint('inbox.applied');
        return done;
      }, retries);
    } catch (error) {
      throw new Failure(error, reached);
    }
    this.passed(session);
    items.forEach((item, i) => this.count(item, outcomes[i]!));
  }

  /** No handler runs in `work`, so whatever fails is not the message's fault. */
  private async insist(item: Incoming, session: BatchSession, work: (tx: Tx) => Promise<Outcome>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        this.count(item, await this.s.database.transaction(work));
        return this.passed(session);
      } catch (error) {
        await this.waitOut(error, tries, session);
      }
    }
  }

  /** Rests until the database is back (or a moment, when it never was away). Counts against nothing; the heartbeats go on. */
  private async waitOut(error: unknown, tries: number, session: BatchSession): Promise<void> {
    this.troubleOf(session).found(error, { topic: session.batch.topic, partition: session.batch.partition });
    await session.pause(100 + backoff(tries, RETRY));
    await session.pause(1_000, (signal) => this.s.database.whenAvailable(signal));
  }

  /** What became of it, once that is committed: in the metrics, and in the log of its own trace. */
  private count(item: Incoming, outcome: Outcome): void {
    const buried = outcome === outcome.toUpperCase();
    const type = item.route?.type ?? 'unknown';
    metrics.consumed().inc({ type, outcome: buried ? 'dead-lettered' : outcome });
    const { id, key, trace = {} } = item.envelope ?? {};
    const log = logger();
    if (log.isLevelEnabled('info')) withContext(trace, () => log.info({ type, outcome, key, messageId: id }, 'message'));
    if (buried) metrics.deadLetters().inc({ topic: item.record.topic, reason: outcome });
    if (outcome === 'duplicate') metrics.duplicates().inc();
  }

  private passed(session: BatchSession): void {
    this.slowness.passed(placeOf(session));
    this.troubleOf(session).over();
  }

  private troubleOf(session: BatchSession): Trouble {
    const key = placeOf(session);
    const trouble = this.troubles.get(key) ?? new Trouble('a partition cannot be worked on');
    this.troubles.set(key, trouble);
    return trouble;
  }
}

const placeOf = ({ batch }: BatchSession): string => `${batch.topic}/${batch.partition}`;
