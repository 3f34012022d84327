import type { Tx } from '@ballast/database';
import type { Reply } from '@ballast/message';
import { backoff, duration, failpoint } from '@ballast/resilience';
import { inSpan, logger, recordError, scrub } from '@ballast/tracing';
import { Refusal, Refused } from './answer.js';
import { isBlameless } from './blame.js';
import type { Clock } from './clock.js';
import type { UnitOfWork } from './inbox.js';
import type { InboxStore } from './inbox.store.js';
import { controllerOfMany, linked } from './linked.js';
import type { ClaimedIntent, IntentStore } from './intent.store.js';
import type { AnyIntent } from './intent.js';
import type { Performing } from './intents.js';
import type { Attempt, PerformOptions, Settlement } from './perform.js';
import type { ReplyWriter } from './reply-writer.js';
import { untraced } from './spans.js';
import { Trouble } from './trouble.js';
import type { Wakeup } from './wakeup.js';
import { within } from './within.js';

/** A `@Perform` method and what it performs. */
export interface Performer {
  definition: AnyIntent;
  options: PerformOptions;
  perform(attempt: Attempt): Promise<Settlement>;
}

export interface IntentWorkerSettings {
  performer: Performer;
  store: IntentStore;
  inbox: Pick<InboxStore, 'keepReplies'>;
  database: UnitOfWork;
  replies: ReplyWriter;
  /** What the contract makes of a command's result; throws `InvalidPayloadError`. */
  checkReply(commandType: string, result: unknown): unknown;
  clock: Clock;
  random: () => number;
  wakeup: Wakeup;
}

/** For what a lost wake or a crashed process left behind. */
const POLL = 1_000;
/** A claim outlives its attempt's deadline by this much: time to write the outcome. */
const SETTLE_TIME = 15_000;
/** How long a place is kept for an intent whose transaction has not committed: a long one, all in all. */
const RESERVED = 15_000;
/** How long a stop waits for the attempts at work. They are aborted after half of it. */
const STOP_LIMIT = 10_000;
/** So many attempts in a row that fail are an outage of whoever is called. */
const OUTAGE = 5;
/** When it is over, what was postponed meanwhile is tried again within this time, ms. */
const CATCH_UP = 2_000;

class ClaimLostError extends Error {}
class IntentDeadlineError extends Error {
  constructor(ms: number) {
    super(`no outcome within ${ms} ms`);
    this.name = 'IntentDeadlineError';
  }
}

/**
 * Performs the intents of one kind, up to its concurrency at once (the bulkhead), each under a deadline and outside any transaction;
 * then writes the outcome, "done" and the reply in one transaction that only the newest claim can make. At least one call outside,
 * exactly one outcome. What throws is unknown and is tried again, without end; and soon, whatever its delay, when the first answer after
 * many failures shows that an outage is over.
 */
export class IntentWorker implements Performing {
  private readonly running = new Map<Promise<void>, ClaimedIntent>();
  /** Intents that are being written with a claim of ours, and until when they are waited for, ms. */
  private readonly reserved = new Map<string, number>();
  /** False at the start, and after each failure: a claim may have been made although its answer never came. */
  private certain = false;
  private taking = false;
  private readonly aborting = controllerOfMany();
  private readonly trouble: Trouble;
  private failedInARow = 0;
  private readonly limit: number;
  private readonly deadline: number;
  private readonly delays: { initial: number; max: number };

  constructor(private readonly s: IntentWorkerSettings) {
    const { concurrency = 20, deadline = '30s', backoff: o = {} } = s.performer.options;
    this.limit = concurrency;
    this.deadline = duration(deadline);
    this.delays = { initial: duration(o.initial ?? '500ms'), max: duration(o.max ?? '30s') };
    this.trouble = new Trouble(`intents of kind ${this.kind} cannot be claimed`);
  }

  get kind(): string {
    return this.s.performer.definition.kind;
  }

  /** Until the signal aborts; then `close`. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, wakeup } = this.s;
    this.taking = true;
    signal.addEventListener('abort', () => (this.taking = false), { once: true });
    for (let failures = 0; !signal.aborted;) {
      this.forgetReserved();
      const free = this.limit - this.running.size;
      try {
        if (!this.certain) await this.takeBack();
        const claimed = free > 0 ? await store.claim(this.kind, free, this.hold) : [];
        if (failures > 0) this.trouble.over();
        failures = 0;
        // Claimed while the stop came: nobody would wait for it.
        if (signal.aborted) await Promise.all(claimed.map((intent) => store.postpone(intent, 0, 'the service stopped')));
        else for (const intent of claimed) this.launch(intent);
        if (claimed.length === 0 || claimed.length < free) await wakeup.sleep(POLL, clock, signal);
      } catch (error) {
        this.certain = false;
        this.trouble.found(error);
        await clock.sleep(100 + backoff(++failures, { initial: 200, max: 2_000 }), signal);
      }
    }
  }

  reserve(id: string): number | undefined {
    if (!this.taking || this.running.size + this.reserved.size >= this.limit) return undefined;
    this.reserved.set(id, this.s.clock.now().getTime() + RESERVED);
    return this.hold;
  }

  begin(intent: ClaimedIntent): void {
    // Given up meanwhile, or others were claimed since: it goes back, and comes again in its turn.
    if (!this.reserved.delete(intent.id) || this.running.size >= this.limit) {
      this.certain = false;
      this.wake();
    } else untraced(() => this.launch(intent));
  }

  wake(): void {
    this.s.wakeup.wake();
  }

  /** Waits for what runs; cuts it short when it takes too long. A claim that is left behind runs out, and another process goes on. */
  async close(): Promise<void> {
    const { clock } = this.s;
    const done = Promise.all(this.running.keys());
    const over = new AbortController();
    await Promise.race([done, clock.sleep(STOP_LIMIT / 2, over.signal)]);
    if (this.running.size) this.aborting.abort(new Error('the service stops'));
    await Promise.race([done, clock.sleep(STOP_LIMIT / 2, over.signal)]);
    over.abort();
    // Nor does what was put off need to be remembered.
    this.aborting.abort(new Error('the service stops'));
  }

  private launch(intent: ClaimedIntent): void {
    const work = this.attempt(intent)
      .catch((error: unknown) => logger().error({ err: error, intent: intent.id, kind: intent.kind }, 'an intent attempt broke'))
      .finally(() => {
        this.running.delete(work);
        this.wake();
      });
    this.running.set(work, intent);
  }

  /** Long enough for the attempt and for writing its outcome. */
  private get hold(): number {
    return this.deadline + SETTLE_TIME;
  }

  private async takeBack(): Promise<void> {
    this.certain = true;
    await this.s.store.takeBack(this.kind, [...[...this.running.values()].map(({ id }) => id), ...this.reserved.keys()]);
  }

  /** Of a transaction that rolled back, most likely; but it may have committed, and only the answer was lost. */
  private forgetReserved(): void {
    const now = this.s.clock.now().getTime();
    for (const [id, until] of this.reserved)
      if (now > until) {
        this.reserved.delete(id);
        this.certain = false;
      }
  }

  private attempt(intent: ClaimedIntent): Promise<void> {
    const attributes = { 'ballast.intent.kind': intent.kind, 'ballast.intent.id': intent.id, 'ballast.intent.attempt': intent.attempt };
    return inSpan(`perform ${intent.kind}`, { parent: intent.trace, attributes }, async (span) => {
      try {
        failpoint('intent.claimed', intent.kind);
        const settlement = await this.perform(intent);
        failpoint('intent.performed', intent.kind);
        await this.settle(intent, settlement);
        failpoint('intent.settled', intent.kind);
      } catch (error) {
        recordError(span, error);
        if (error instanceof ClaimLostError)
          logger().warn({ intent: intent.id, kind: intent.kind }, 'a later attempt took the intent over');
        else await this.postpone(intent, error);
      }
    });
  }

  /** The slot is held until the work has really ended, so the signal is the performer's to obey. A refusal is an outcome. */
  private async perform(intent: ClaimedIntent): Promise<Settlement> {
    const limit = linked(this.aborting.signal);
    const { signal } = limit;
    const timer = setTimeout(() => limit.abort(new IntentDeadlineError(this.deadline)), this.deadline);
    try {
      const payload: unknown = this.s.performer.definition.payload.parse(intent.payload);
      const settlement = await this.s.performer.perform({ id: intent.id, payload, attempt: intent.attempt, signal });
      this.answered();
      return settlement;
    } catch (error) {
      if (error instanceof Refused) {
        this.answered();
        return () => new Refusal(error.code, error.message);
      }
      this.failedInARow++;
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      limit.dispose();
    }
  }

  /** Fails most likely because the database is away: then each comes in its time. */
  private answered(): void {
    const over = this.failedInARow >= OUTAGE;
    this.failedInARow = 0;
    if (over) void untraced(() => this.s.store.bringForward(this.kind, CATCH_UP)).catch(() => undefined);
  }

  /** The outside has answered: while the claim lasts, an outage delays the writing of it and does not ask again. */
  private async settle(intent: ClaimedIntent, settlement: Settlement): Promise<void> {
    const { database, clock } = this.s;
    const end = clock.now().getTime() + SETTLE_TIME;
    for (let tries = 1, write = settlement; ; tries++) {
      try {
        return await database.transaction((tx) => this.write(tx, intent, write));
      } catch (error) {
        if (error instanceof Refused) write = () => new Refusal(error.code, error.message);
        else if (!isBlameless(error) || clock.now().getTime() >= end || this.aborting.signal.aborted) throw error;
        else await clock.sleep(50 + backoff(tries, { initial: 100, max: 1_000, random: this.s.random }), this.aborting.signal);
      }
    }
  }

  private async write(tx: Tx, intent: ClaimedIntent, settlement: Settlement): Promise<void> {
    const { store, inbox, replies, checkReply } = this.s;
    const state = await store.settle(tx, intent);
    if (state === 'lost') throw new ClaimLostError();
    if (state === 'already') return;
    const result = await settlement(tx);
    const to = intent.reply;
    if (!to) return;
    const reply: Reply =
      result instanceof Refusal
        ? { outcome: 'failed', code: result.code, message: result.message }
        : { outcome: 'succeeded', result: checkReply(to.commandType, result ?? {}) };
    replies.send(tx, to, reply);
    await inbox.keepReplies(tx, new Map([[to.commandId, reply]]));
  }

  private async postpone(intent: ClaimedIntent, error: unknown): Promise<void> {
    const { clock, random, wakeup } = this.s;
    const delay = backoff(intent.attempt, { ...this.delays, random });
    const reason = scrub(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
      .replaceAll('\0', '')
      .slice(0, 500);
    // The 1st, 2nd, 4th, 8th …: a provider that is away for hours must not fill the log.
    if (Number.isInteger(Math.log2(intent.attempt)))
      logger().warn(
        { intent: intent.id, kind: intent.kind, attempt: intent.attempt, reason, retryInMs: delay },
        'an intent is tried again',
      );
    await this.giveBack(intent, delay, reason);
    void untraced(() => clock.sleep(delay, this.aborting.signal)).then(() => wakeup.wake());
  }

  /**
   * Most often an attempt fails because the database is away, and then so does this: it is done when the database is back, since nobody else
   * would go on before the claim has run out. When it has, or the service stops, it does so by itself.
   */
  private async giveBack(intent: ClaimedIntent, delay: number, reason: string): Promise<void> {
    const { store, clock, database } = this.s;
    const end = clock.now().getTime() + SETTLE_TIME;
    for (let tries = 1; ; tries++) {
      try {
        return await store.postpone(intent, delay, reason);
      } catch (error) {
        const { signal } = this.aborting;
        if (!isBlameless(error) || clock.now().getTime() >= end || signal.aborted) return;
        await clock.sleep(50 + backoff(tries, { initial: 100, max: 1_000, random: this.s.random }), signal);
        await within(SETTLE_TIME, database.whenAvailable(signal), () => new Error('late')).catch(() => undefined);
      }
    }
  }
}
