import { afterCommit, type Tx } from '@ballast/database';
import { currentTraceId, logger } from '@ballast/tracing';
import type { EntityManager } from 'typeorm';
import { isBlameless } from './blame.js';
import { describe } from './dead-letters.js';
import { type LetterFilter, type ListedLetter, sqlDeadLetterStore, type StoredLetter } from './dead-letter.store.js';
import type { Effects } from './effects.js';
import { classify, type DeadLetterReason, type ValidMessage } from './incoming.js';
import type { InboxStore } from './inbox.store.js';
import { metrics } from './metrics.js';
import { OperationRefusedError } from './operation.errors.js';
import type { Router } from './route.js';

export type LetterKind = 'event' | 'command' | 'reply';

/** What came of a replay or of a discard. */
export interface LetterOutcome {
  id: string;
  /**
   * `REPLAYED`: its effect is had. `DUPLICATE`: it was had before, by another copy of the message, and was not had again.
   * `FAILED`: the letter is open as before, with one more attempt and the new error. `DISCARDED`. `ALREADY`: it had been dealt with in
   * the same way; nothing was done.
   */
  outcome: 'REPLAYED' | 'DUPLICATE' | 'FAILED' | 'DISCARDED' | 'ALREADY';
  error?: string;
  /** The letter of the same key whose turn it is now. */
  next?: string;
  /** Open letters of the key. Zero: new events of the key pass again. */
  left: number;
}

export interface DeadLetterHandling {
  router: Router;
  effects: Effects;
  inbox: Pick<InboxStore, 'claim'>;
}

/**
 * Dead letters for operators. What is replayed is the row itself, in the caller's transaction and under the lock of its key: no record
 * goes to the broker again, so nothing can come between. Each letter has its effect once; a key's events have theirs in their
 * order, and later ones wait until none of its letters is open.
 */
export class DeadLetterOperations {
  /** `handling`: asked for at each use, since handlers are known only when the application has started. */
  constructor(private readonly handling: () => DeadLetterHandling) {}

  /** In the order in which they were set aside. */
  list(manager: EntityManager, filter: LetterFilter): Promise<ListedLetter[]> {
    return sqlDeadLetterStore.list(manager, filter);
  }

  async find(manager: EntityManager, id: string): Promise<ListedLetter> {
    const letter = await sqlDeadLetterStore.find(manager, id);
    if (!letter) throw notFound(id);
    return letter;
  }

  /**
   * Handles the message of a letter, in a new span that links to the one in which it was sent. Throws `OperationRefusedError`: for a
   * letter that is not the first of its key, for a discarded one, for a command, for a message nobody here handles; and what is not
   * the message's fault (a deadlock, a database that goes away): roll back then, and it is as if nothing had been asked.
   */
  async replay(tx: Tx, id: string): Promise<LetterOutcome> {
    const { letter, parked } = await this.lock(tx, id);
    if (letter.status === 'REPLAYED') return this.outcome(tx, letter, 'ALREADY');
    if (letter.status === 'DISCARDED') throw settled(letter);
    refuseCommand(letter);
    const first = await sqlDeadLetterStore.first(tx, letter.topic, letter.key);
    if (parked && first !== undefined && BigInt(first) < BigInt(id))
      throw new OperationRefusedError('DEAD_LETTER_WAITS', `an earlier letter of its key is open: ${first} comes first`, { first });

    const { topic, key, payload: value, headers, offset } = letter;
    const item = classify({ topic, key, value, headers, offset }, this.handling().router);
    if (!item) {
      const type = headers['ce_type'] ?? '';
      throw new OperationRefusedError('DEAD_LETTER_NOT_SUBSCRIBED', `this version of the service does not handle ${type}`, { type });
    }
    if (item.kind === 'invalid') return this.failed(tx, letter, item.reason, item.error);
    return this.handle(tx, letter, item, parked);
  }

  /** Gives a letter up: its effect will never be had. Those behind it wait for their own replay, unless it was the last. */
  async discard(tx: Tx, id: string, note?: string): Promise<LetterOutcome & { wasFirst: boolean }> {
    const { letter, parked } = await this.lock(tx, id);
    if (letter.status === 'DISCARDED') return { ...(await this.outcome(tx, letter, 'ALREADY')), wasFirst: false };
    if (letter.status === 'REPLAYED') throw settled(letter);
    const wasFirst = parked && (await sqlDeadLetterStore.first(tx, letter.topic, letter.key)) === id;
    await sqlDeadLetterStore.settle(tx, id, { status: 'DISCARDED', traceId: currentTraceId(), note });
    return { ...(await this.done(tx, letter, 'DISCARDED', parked)), wasFirst };
  }

  private async lock(tx: Tx, id: string): Promise<{ letter: StoredLetter; parked: boolean }> {
    const locked = await sqlDeadLetterStore.lock(tx, id);
    if (!locked) throw notFound(id);
    return locked;
  }

  private async handle(tx: Tx, letter: StoredLetter, item: ValidMessage, parked: boolean): Promise<LetterOutcome> {
    const { effects, inbox } = this.handling();
    const { id, type } = item.envelope;
    const { fresh } = await inbox.claim(tx, letter.topic, [{ id, type }], []);
    // Set aside when it could not be read, so it was not noted then: another copy of it may have been handled since.
    const had = letter.messageId === null && !fresh.size;
    if (!had) {
      try {
        // In a savepoint: what a handler wrote that failed is gone, and that it failed is kept.
        await tx.transaction((inner) => effects.replay(inner as Tx, item, letter.partition));
      } catch (error) {
        if (isBlameless(error)) throw error;
        return this.failed(tx, letter, 'HANDLER_FAILED', error as Error);
      }
    }
    await sqlDeadLetterStore.settle(tx, letter.id, { status: 'REPLAYED', traceId: currentTraceId() });
    return this.done(tx, letter, had ? 'DUPLICATE' : 'REPLAYED', parked);
  }

  private async failed(tx: Tx, letter: StoredLetter, reason: DeadLetterReason, error: Error): Promise<LetterOutcome> {
    const text = describe(error);
    await sqlDeadLetterStore.failedAgain(tx, letter.id, reason, text);
    return { ...(await this.outcome(tx, letter, 'FAILED')), error: text };
  }

  private async done(tx: Tx, letter: StoredLetter, outcome: LetterOutcome['outcome'], parked: boolean): Promise<LetterOutcome> {
    const { topic, key } = letter;
    if (parked) await sqlDeadLetterStore.moveUp(tx, topic, key, await sqlDeadLetterStore.first(tx, topic, key));
    return this.outcome(tx, letter, outcome);
  }

  private async outcome(tx: Tx, { id, topic, key, type }: StoredLetter, outcome: LetterOutcome['outcome']): Promise<LetterOutcome> {
    const [next, left] = kindOf(topic) === 'event' ? await this.chain(tx, topic, key) : [undefined, 0];
    afterCommit(tx, () => {
      metrics.settled().inc({ topic, outcome: outcome.toLowerCase() });
      logger().info({ deadLetter: id, topic, key, type, outcome, left }, 'dead letter');
    });
    return { id, outcome, ...(next !== undefined && { next }), left };
  }

  private async chain(tx: Tx, topic: string, key: string): Promise<[next: string | undefined, left: number]> {
    return [await sqlDeadLetterStore.first(tx, topic, key), await sqlDeadLetterStore.waiting(tx, topic, key)];
  }
}

/** By its topic, since the type may be what could not be read. */
export const kindOf = (topic: string): LetterKind =>
  topic.endsWith('.commands') ? 'command' : topic.endsWith('.replies') ? 'reply' : 'event';

/**
 * Whoever sent a command was told that it failed, in the transaction that set it aside, and has acted on that: undone what came before,
 * or asked again under a new id. To do it now would be an effect nobody waits for, next to one that somebody undid.
 */
function refuseCommand({ topic, headers }: StoredLetter): void {
  if (kindOf(topic) !== 'command') return;
  const sagaId = headers['ce_sagaid'];
  const asker = headers['ce_replyto']?.replace(/\.replies$/, '');
  throw new OperationRefusedError(
    'DEAD_LETTER_IS_COMMAND',
    'its sender was told that it failed and has gone on: resume the saga if it is STUCK, which sends the command anew, and discard this letter',
    { ...(sagaId && { sagaId }), ...(asker && { asker }) },
  );
}

const notFound = (id: string) => new OperationRefusedError('DEAD_LETTER_NOT_FOUND', `there is no dead letter ${id}`);
const settled = ({ id, status }: StoredLetter) =>
  new OperationRefusedError('DEAD_LETTER_SETTLED', `dead letter ${id} is ${status}`, { status });
