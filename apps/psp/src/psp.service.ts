import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Database, type Tx } from '@ballast/database';
import { failpoint } from '@ballast/resilience';
import { Inject, Injectable } from '@nestjs/common';
import { cancel, capture, refund, type Verdict } from './operation.js';
import type { Operation, OperationKind } from './operation.entity.js';
import { SqlOperationStore, type OperationStore } from './operation.store.js';
import { errors } from './psp.errors.js';
import type { SettlementQuery } from './psp.requests.js';
import { behaviourOf } from './sandbox.js';

/** A timer may fire a little before its time; the operation must be due when it is looked at. In ms. */
const TIMER_SLACK = 20;

/** A call as it came in: what it asks for, under the caller's own key. */
export interface Call {
  kind: OperationKind;
  key: string;
  target?: string;
  token?: string;
  reference?: string | undefined;
  amount?: { amount: number; currency: string };
}

/** What became of the call; `drops` says that the caller is not to be told. */
export interface Answer {
  operation: Operation;
  drops: boolean;
}

/**
 * The processor's work. A key has one effect however often it is called. An operation ends at its `dueAt`, by the hand of
 * whoever looks at it next, so a restart in the middle of a slow one leaves nothing hanging.
 */
@Injectable()
export class PspService {
  constructor(
    private readonly db: Database,
    @Inject(SqlOperationStore) private readonly store: OperationStore,
  ) {}

  /** Does what is asked, at most once per key. Throws `PSP_KEY_REUSED`, and `PSP_INTERNAL` for the flaky token's first calls. */
  async submit(call: Call): Promise<Answer> {
    const received = await this.db.transaction((tx) => this.receive(tx, call));
    failpoint('psp.recorded', call.kind);
    const { delay, failures, drops } = behaviourOf(received.token);
    if (received.state === 'received' && received.calls <= failures) throw errors.INTERNAL();
    if (delay > 0) await sleep(delay + TIMER_SLACK);
    return { operation: await this.find(call.key), drops };
  }

  /** The state of a key. Throws `PSP_KEY_UNKNOWN` when no work was ever begun for it. */
  async find(key: string): Promise<Operation> {
    const operation = await this.db.transaction((tx) => this.finish(tx, key));
    if (!operation || operation.state === 'received') throw errors.KEY_UNKNOWN(key);
    return operation;
  }

  /** The books: what took effect, in order of arrival. A cancelled authorisation is no longer among it, its cancellation is. */
  async settlement({ reference, limit, cursor }: SettlementQuery): Promise<{ items: Operation[]; nextCursor: string | null }> {
    await this.finishAllDue();
    const rows = await this.store.succeeded(cursor, limit + 1, reference);
    const items = rows.slice(0, limit);
    return { items, nextCursor: rows.length > limit ? String(items.at(-1)!.seq) : null };
  }

  private async receive(tx: Tx, call: Call): Promise<Operation> {
    const digest = createHash('sha256').update(JSON.stringify(call)).digest('hex');
    await this.store.record(tx, { key: call.key, kind: call.kind, digest, target: call.target ?? null });
    const operation = (await this.store.lock(tx, call.key))!;
    if (operation.digest === null) return operation; // cancelled before it came
    if (operation.digest !== digest) throw errors.KEY_REUSED(call.key);

    if (operation.calls === 0) await this.fillIn(tx, operation, call);
    operation.calls += 1;
    const { delay, failures } = behaviourOf(operation.token);
    if (operation.state === 'received' && operation.calls > failures) {
      operation.state = 'processing';
      operation.dueAt = new Date(Date.now() + (call.kind === 'cancellation' ? 0 : delay)); // a cancellation acts at once and answers late
    }
    await this.store.save(tx, operation);
    return (await this.finish(tx, call.key))!;
  }

  private async finish(tx: Tx, key: string): Promise<Operation | null> {
    const operation = await this.store.lock(tx, key);
    if (operation?.state !== 'processing' || operation.dueAt!.getTime() > Date.now()) return operation;
    const verdict = await this.decide(tx, operation);
    operation.state = verdict.state;
    operation.code = verdict.state === 'failed' ? verdict.code : null;
    return this.store.save(tx, operation);
  }

  private async decide(tx: Tx, operation: Operation): Promise<Verdict> {
    const { decline, captureDecline } = behaviourOf(operation.token);
    if (operation.kind === 'authorisation') return decline ? { state: 'failed', code: decline } : { state: 'succeeded' };
    if (operation.kind === 'capture' && captureDecline) return { state: 'failed', code: captureDecline };
    if (operation.kind === 'cancellation') await this.store.record(tx, { key: operation.target!, state: 'cancelled' }); // the tombstone, when it has not come yet
    const target = await this.store.lock(tx, operation.target!);
    const verdict =
      operation.kind === 'cancellation'
        ? cancel(target!)
        : operation.kind === 'capture'
          ? capture(target, operation)
          : refund(target, operation);
    if (target) await this.store.save(tx, target);
    return verdict;
  }

  /** Ends whatever is due, so that the books tell what took effect until now. */
  async finishAllDue(): Promise<void> {
    for (const key of await this.store.due()) await this.db.transaction((tx) => this.finish(tx, key));
  }

  /** Fills in what the call says, and what it inherits from the operation it is about. */
  private async fillIn(tx: Tx, operation: Operation, call: Call): Promise<void> {
    const target = call.target ? await this.store.find(tx, call.target) : null;
    operation.token = call.token ?? target?.token ?? null;
    operation.reference = call.reference ?? target?.reference ?? null;
    operation.amount = call.amount?.amount ?? target?.amount ?? 0;
    operation.currency = call.amount?.currency ?? target?.currency ?? null;
  }
}
