import { CommitUnknownError, isUnavailable, type Tx } from '@ballast/database';
import type { Reply } from '@ballast/message';
import { backoff } from '@ballast/resilience';
import { inSpan, SpanKind, withContext } from '@ballast/tracing';
import { Deferred, Refused } from './answer.js';
import { BatchSession, StaleBatchError } from './batch-session.js';
import { isBlameless } from './blame.js';
import type { Clock } from './clock.js';
import type { DeadLetters } from './dead-letters.js';
import type { InboxStore } from './inbox.store.js';
import { classify, type DeadLetterReason, type Incoming, type ValidMessage } from './incoming.js';
import type { Intents } from './intents.js';
import { forgetLag, noteLag } from './lag.js';
import { metrics } from './metrics.js';
import { replyAddressOf } from './reply-address.js';
import type { ReplyWriter } from './reply-writer.js';
import type { Router } from './route.js';
import type { Batch } from './transport.js';
import { Trouble } from './trouble.js';

/** The part of `Database` that message handling needs. */
export interface UnitOfWork {
  /** `attempts`: how often it is tried when it loses against another transaction. */
  transaction<T>(work: (tx: Tx) => Promise<T>, o?: { attempts?: number }): Promise<T>;
  whenAvailable(signal?: AbortSignal): Promise<void>;
}

export interface InboxSettings {
  group: string;
  router: Router;
  database: UnitOfWork;
  store: InboxStore;
  deadLetters: DeadLetters;
  replies: ReplyWriter;
  intents: Pick<Intents, 'write'>;
  /** Notes what is being handled, so that what it publishes names its cause. */
  setCause(tx: Tx, messageId: string): void;
  clock: Clock;
}

/** Messages that share a transaction: enough that commits are cheap, few enough that one failure does not repeat much work. */
const CHUNK = 64;
/** How often a message that fails by itself is tried before it is set aside. */
const ATTEMPTS = 3;
const RETRY = { initial: 200, max: 1_000 };

/** A dead letter is told by its reason. */
type Outcome = 'handled' | 'duplicate' | 'refused' | DeadLetterReason;

/** A failed transaction, and whether the handlers had been reached: before that, the failure is not theirs. */
class Failure extends Error {
  readonly blameless: boolean;
  /** It would have failed whatever the messages were. A deadlock is not of that kind: many messages hold many locks, one alone holds few. */
  readonly wholesale: boolean;
  constructor(
    override readonly cause: unknown,
    reached: boolean,
  ) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.blameless = !reached || isBlameless(cause);
    this.wholesale = !reached || isUnavailable(cause) || cause instanceof CommitUnknownError;
  }
}

/**
 * Turns batches into effects. Inbox row and effect are one transaction, the offset follows: exactly-once effect. Up to 64 messages share a
 * transaction; when it fails, each gets its own. In order per partition, except that a poisoned event's key waits while others go on.
 */
export class Inbox {
  private readonly troubles = new Map<string, Trouble>();

  constructor(private readonly s: InboxSettings) {}

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
        await batch.commit(String(BigInt(records.at(-1)!.offset) + 1n));
        noteLag(batch, batch.records.length - from - records.length);
      }
      session.check();
    } catch (error) {
      // Somebody else may report this partition from now on.
      forgetLag(batch);
      if (!(error instanceof StaleBatchError)) throw error;
    } finally {
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
    for (const item of items) await this.alone(item, session);
  }

  /** One message, until it is handled, refused or set aside. Only failures of its own count. */
  private async alone(item: Incoming, session: BatchSession): Promise<void> {
    for (let attempt = 1, outages = 0; ;) {
      try {
        return await this.together([item], session);
      } catch (failure) {
        const { blameless, cause } = failure as Failure;
        if (blameless) {
          await this.waitOut(failure, ++outages, session);
        } else if (cause instanceof Refused && item.route?.kind === 'command') {
          return this.insist(item, session, (tx) => this.refuse(tx, item as ValidMessage, cause));
        } else if (attempt >= ATTEMPTS) {
          return this.insist(item, session, (tx) => this.bury(tx, item, session, cause as Error, attempt));
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
        const claimed = await this.claim(tx, items);
        reached = true;
        return this.apply(tx, items, claimed, session.batch.partition);
      }, retries);
    } catch (error) {
      throw new Failure(error, reached);
    }
    this.troubleOf(session).over();
    items.forEach((item, i) => this.count(item, outcomes[i]!));
  }

  private async apply(tx: Tx, items: readonly Incoming[], { fresh, parked }: Claimed, partition: number): Promise<Outcome[]> {
    const answers = new Map<string, Reply>();
    const again: ValidMessage[] = [];
    const outcomes: Outcome[] = [];
    for (const item of items) {
      if (item.envelope && !fresh.delete(item.envelope.id)) {
        if (item.kind === 'message' && item.route.kind === 'command') again.push(item);
        outcomes.push('duplicate');
      } else if (item.kind === 'invalid') {
        const burial = { partition, reason: item.reason, error: item.error, attempts: 0 };
        if (await this.s.deadLetters.bury(tx, item, burial)) parked.add(item.envelope!.key);
        outcomes.push(item.reason);
      } else if (item.route.kind === 'event' && parked.has(item.envelope.key)) {
        const error = new Error('an earlier event of this key is in the dead letters');
        await this.s.deadLetters.bury(tx, item, { partition, reason: 'KEY_PARKED', error, attempts: 0 });
        outcomes.push('KEY_PARKED');
      } else {
        outcomes.push(await this.run(tx, item, partition, answers));
      }
    }
    if (again.length) await this.answerAgain(tx, again, answers);
    if (answers.size) await this.s.store.keepReplies(tx, answers);
    return outcomes;
  }

  private run(tx: Tx, { envelope, record, route }: ValidMessage, partition: number, answers: Map<string, Reply>): Promise<Outcome> {
    const attributes = {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': record.topic,
      'messaging.destination.partition.id': String(partition),
      'messaging.kafka.offset': Number(record.offset),
      'messaging.kafka.message.key': record.key,
      'messaging.message.id': envelope.id,
      'messaging.consumer.group.name': this.s.group,
      'ballast.message.type': envelope.type,
    };
    return inSpan(`process ${record.topic}`, { kind: SpanKind.CONSUMER, parent: envelope.trace, attributes }, async () => {
      this.s.setCause(tx, envelope.id);
      const answer = await route.handle(envelope, tx);
      if (!answer) return 'handled';
      const address = replyAddressOf(envelope);
      if (answer instanceof Deferred) {
        await this.s.intents.write(tx, answer.draft, address ? { reply: address } : {});
        return 'handled';
      }
      answers.set(envelope.id, answer);
      if (address) this.s.replies.send(tx, address, answer);
      return answer.outcome === 'failed' ? 'refused' : 'handled';
    });
  }

  /** The asker may have lost the answer, so it is given again; a command that is still at work answers when it is done. */
  private async answerAgain(tx: Tx, commands: readonly ValidMessage[], answers: ReadonlyMap<string, Reply>): Promise<void> {
    const ids = commands.map(({ envelope }) => envelope.id);
    const kept = await this.s.store.replies(tx, ids);
    for (const { envelope } of commands) {
      const reply = answers.get(envelope.id) ?? kept.get(envelope.id);
      const address = replyAddressOf(envelope);
      if (reply && address) withContext(envelope.trace, () => this.s.replies.send(tx, address, reply));
    }
  }

  private claim(tx: Tx, items: readonly Incoming[]): Promise<Claimed> {
    const named = items.flatMap(({ envelope }) => (envelope ? [{ id: envelope.id, type: envelope.type }] : []));
    const keys = items.flatMap(({ envelope, route }) => (envelope && route?.kind === 'event' ? [envelope.key] : []));
    return this.s.store.claim(tx, items[0]!.record.topic, named, [...new Set(keys)]);
  }

  private async refuse(tx: Tx, item: ValidMessage, { code, message }: Refused): Promise<Outcome> {
    const { fresh } = await this.claim(tx, [item]);
    if (!fresh.size) return 'duplicate';
    const reply: Reply = { outcome: 'failed', code, message };
    const address = replyAddressOf(item.envelope);
    if (address) withContext(item.envelope.trace, () => this.s.replies.send(tx, address, reply));
    await this.s.store.keepReplies(tx, new Map([[item.envelope.id, reply]]));
    return 'refused';
  }

  private async bury(tx: Tx, item: Incoming, session: BatchSession, error: Error, attempts: number): Promise<Outcome> {
    const { fresh } = await this.claim(tx, [item]);
    if (item.envelope && !fresh.size) return 'duplicate';
    const { partition } = session.batch;
    await withContext(item.envelope?.trace ?? {}, () =>
      this.s.deadLetters.bury(tx, item, { partition, reason: 'HANDLER_FAILED', error, attempts }),
    );
    return 'HANDLER_FAILED';
  }

  /** No handler runs in `work`, so whatever fails is not the message's fault. */
  private async insist(item: Incoming, session: BatchSession, work: (tx: Tx) => Promise<Outcome>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        this.count(item, await this.s.database.transaction(work));
        return this.troubleOf(session).over();
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

  private count(item: Incoming, outcome: Outcome): void {
    const buried = outcome === outcome.toUpperCase();
    metrics.consumed().inc({ type: item.route?.type ?? 'unknown', outcome: buried ? 'dead-lettered' : outcome });
    if (buried) metrics.deadLetters().inc({ topic: item.record.topic, reason: outcome });
    if (outcome === 'duplicate') metrics.duplicates().inc();
  }

  private troubleOf({ batch }: BatchSession): Trouble {
    const key = `${batch.topic}/${batch.partition}`;
    const trouble = this.troubles.get(key) ?? new Trouble('a partition cannot be worked on');
    this.troubles.set(key, trouble);
    return trouble;
  }
}

type Claimed = Awaited<ReturnType<InboxStore['claim']>>;
