import { afterCommit, Database, type Tx } from '@ballast/database';
import { Replies, type IncomingReply } from '@ballast/messaging';
import { failpoint } from '@ballast/resilience';
import { captureContext, currentTraceId, logger } from '@ballast/tracing';
import { Inject, Injectable } from '@nestjs/common';
import { abandoned, closing } from './abandon.js';
import { advance } from './advance.js';
import { nameOf, placeOf, type Input } from './decide.js';
import type { AnySaga } from './definition.js';
import { SagaNotClosedError, SagaNotStuckError } from './errors.js';
import { countIgnored, countParked, observeFinished } from './metrics.js';
import { SAGA_OPTIONS, type ResolvedSagaOptions } from './options.js';
import { PostgresParkedReplyStore, type ParkedReply, type ParkedReplyStore } from './parked-store.js';
import { PostgresSagaStore } from './postgres-store.js';
import { isFinished, newRecord, type SagaRecord } from './record.js';
import { SagaRegistry } from './registry.js';
import { StepRunner } from './step-runner.js';
import type { LockedSaga, SagaStore } from './store.js';

/** Brings each input to its saga, inside one transaction: lock, decide, carry out, save. */
@Injectable()
export class SagaRuntime {
  constructor(
    @Inject(PostgresSagaStore) readonly store: SagaStore,
    @Inject(PostgresParkedReplyStore) readonly parked: ParkedReplyStore,
    private readonly database: Database,
    private readonly registry: SagaRegistry,
    private readonly steps: StepRunner,
    private readonly replies: Replies,
    @Inject(SAGA_OPTIONS) private readonly options: ResolvedSagaOptions,
  ) {}

  async start(tx: Tx, definition: AnySaga, id: string, state: object): Promise<void> {
    const registered = this.registry.get(definition.name);
    const saga = await this.store.insert(tx, newRecord(definition.name, id, state, captureContext()), registered.plan.steps[0]!.name);
    if (saga) await this.proceed(tx, registered, saga, { kind: 'started' });
  }

  /**
   * Parks the reply when its saga's definition is not here: another version of this service has it, and takes the reply up as soon as
   * it runs. Throws when the reply does not fit its contract, and when the step's own `reply` does: it is dead-lettered and can be
   * replayed; meanwhile the saga waits, as for one that was lost.
   */
  async onReply(incoming: IncomingReply, tx: Tx): Promise<void> {
    const saga = await this.store.lock(tx, incoming.sagaId);
    if (!saga) {
      logger().warn({ sagaId: incoming.sagaId, commandId: incoming.commandId }, `no saga for a reply to ${incoming.commandType}`);
      return countIgnored('', 'unknown');
    }
    if (this.registry.has(saga.record.definition)) return this.act(tx, saga, incoming);
    if (isFinished(saga.record)) return countIgnored(saga.record.definition, 'duplicate');
    await this.parked.park(tx, incoming);
    afterCommit(tx, () => countParked(saga.record.definition));
  }

  /** A reply that was parked, unless somebody else has taken it up meanwhile. Throws as `onReply` does. */
  async onParked(parked: ParkedReply, tx: Tx): Promise<void> {
    const saga = await this.store.lock(tx, parked.sagaId);
    if (saga && (await this.parked.take(tx, parked.id))) await this.act(tx, saga, parked);
  }

  async resume(tx: Tx, id: string): Promise<void> {
    const saga = await this.store.lock(tx, id);
    if (saga?.record.status !== 'STUCK') throw new SagaNotStuckError(id);
    await this.proceed(tx, this.registry.get(saga.record.definition), saga, { kind: 'resumed' });
  }

  async abandon(tx: Tx, id: string, reason: string): Promise<void> {
    const saga = await this.store.lock(tx, id);
    if (saga?.record.status !== 'STUCK') throw new SagaNotStuckError(id);
    const definition = this.registry.get(saga.record.definition);
    const stepName = nameOf(definition, saga.record);
    const { record, history } = abandoned(definition, saga.record, stepName, reason);
    if (definition.plan.onRejected) {
      const closed = await this.steps.run(tx, definition, closing(definition, record), record);
      if (closed !== 'sent' && closed.outcome === 'failed') throw new SagaNotClosedError(id, closed.code);
    }
    const traceId = currentTraceId() ?? traceIdOf(record);
    await this.store.save(tx, { record, stepName, history, ...(traceId && { traceId }) });
    afterCommit(tx, () => observeFinished(definition.name, record.status, saga.createdAt));
  }

  /** Acts on a timer that is due, in a transaction of its own. False when it is not due any more, or somebody else works on the saga. */
  async fire(id: string): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const saga = await this.store.lockDue(tx, id);
      if (saga) await this.proceed(tx, this.registry.get(saga.record.definition), saga, { kind: 'timer' });
      return saga !== null;
    });
  }

  private async carryOut(...[tx, definition, perform, at, parent]: Parameters<StepRunner['run']>): ReturnType<StepRunner['run']> {
    failpoint('saga.step.before', placeOf(perform));
    const outcome = await this.steps.run(tx, definition, perform, at, parent);
    failpoint('saga.step.after', placeOf(perform));
    return outcome;
  }

  private act(tx: Tx, saga: LockedSaga, { commandId, commandType, reply }: IncomingReply): Promise<void> {
    const checked = this.replies.check(commandType, reply);
    return this.proceed(tx, this.registry.get(saga.record.definition), saga, { kind: 'reply', commandId, reply: checked });
  }

  private async proceed(tx: Tx, definition: AnySaga, saga: LockedSaga, input: Input): Promise<void> {
    const circumstances = { now: saga.now, retry: this.options.retry };
    // A timer has no message behind it, so it goes on in the trace that started the saga.
    const parent = input.kind === 'timer' ? saga.record.trace : undefined;
    const { record, history, ignored } = await advance(definition, saga.record, input, circumstances, (perform, at) =>
      this.carryOut(tx, definition, perform, at, parent),
    );
    if (ignored) return afterCommit(tx, () => countIgnored(definition.name, ignored));

    const traceId = currentTraceId() ?? traceIdOf(saga.record);
    await this.store.save(tx, { record, stepName: nameOf(definition, record), history, ...(traceId && { traceId }) });
    if (isFinished(record)) afterCommit(tx, () => observeFinished(definition.name, record.status, saga.createdAt));
    if (record.status === 'STUCK' && saga.record.status !== 'STUCK')
      afterCommit(tx, () =>
        logger().error(
          { sagaId: record.id, code: record.failure?.code },
          `saga ${definition.name} is STUCK at "${nameOf(definition, record)}"`,
        ),
      );
  }
}

const traceIdOf = ({ trace }: SagaRecord): string | undefined => trace['traceparent']?.split('-')[1];
