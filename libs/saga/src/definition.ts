import type { AnyCommand, CommandDraft, ReplyOf } from '@ballast/message';
import type { Tx } from '@ballast/database';
import { duration, type Duration } from '@ballast/resilience';

/**
 * What a step does. A returned command is sent through the outbox and its reply is awaited; a promise is local work in the
 * saga's own transaction. A function that returns a command must depend on the state alone: it is called again for a resend.
 */
export type Work<S, D extends AnyCommand = AnyCommand> = (state: S, tx: Tx) => CommandDraft<D> | Promise<void>;

/** Why a saga was rejected: the step that ended it, and a code of its command's contract, `HANDLER_FAILED`, `STEP_FAILED` or `TIMED_OUT`. */
export interface SagaFailure {
  step: string;
  code: string;
  message: string;
}

export interface StepOptions<S, D extends AnyCommand> {
  do: Work<S, D>;
  /** Takes what later steps need out of the reply; it is merged into the state. Only for a step that sends a command. */
  reply?: (result: ReplyOf<D>, state: S) => [D] extends [never] ? never : Partial<S>;
  /** How long to wait for the reply, in working time: an outage of the database or the broker does not count. Default `2m`. */
  within?: Duration;
}

export interface UndoableStepOptions<S, D extends AnyCommand> extends StepOptions<S, D> {
  /**
   * Takes the step back. It must find what to undo by the saga's own ids and succeed when there is nothing to undo, since after
   * a time-out it is not known whether `do` ran, will run late, or never will. Retried until it succeeds, then `STUCK`.
   */
  undo?: Work<S>;
}

/** Local work when every compensation has finished, in the transaction that ends the saga. */
export type OnRejected<S> = (state: S, tx: Tx, failure: SagaFailure) => Promise<void>;

export interface Step<S> {
  readonly name: string;
  readonly do: Work<S>;
  readonly undo?: Work<S>;
  readonly reply?: (result: unknown, state: S) => Partial<S>;
  /** Milliseconds. */
  readonly within: number;
}

/** A saga as the engine reads it. Records are found by `name`, so a change of the steps is a new version: `checkout.v2` beside v1. */
export interface SagaDefinition<S> {
  readonly name: string;
  readonly plan: {
    readonly steps: readonly Step<S>[];
    /** Index of the pivot; without one every step can be taken back. */
    readonly pivot?: number;
    readonly onRejected?: OnRejected<S>;
  };
}

// `any` because a definition takes its state as an argument, hence is contravariant in it.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnySaga = SagaDefinition<any>;

/** Before the pivot: each step may have an `undo`. */
export interface UndoableSaga<S> extends SagaDefinition<S> {
  step<D extends AnyCommand = never>(name: string, options: UndoableStepOptions<S, D>): UndoableSaga<S>;
  /** The point of no return: a refusal of it compensates, its success means that the saga will be completed. */
  pivot<D extends AnyCommand = never>(name: string, options: StepOptions<S, D> & { undo?: never }): ForwardSaga<S>;
  /** Once per saga, anywhere in the chain. */
  onRejected(work: OnRejected<S>): UndoableSaga<S>;
}

/** Past the pivot: steps are retried until they succeed, so they have no `undo`. */
export interface ForwardSaga<S> extends SagaDefinition<S> {
  step<D extends AnyCommand = never>(name: string, options: StepOptions<S, D> & { undo?: never }): ForwardSaga<S>;
  onRejected(work: OnRejected<S>): ForwardSaga<S>;
}

/** A reply is awaited this long when a step does not say `within`. */
export const DEFAULT_WITHIN: Duration = '2m';

const NAME = /^[a-z][a-z0-9-]*\.v[1-9][0-9]*$/;

/**
 * Starts the definition of a saga, named `<name>.v<n>`. Every link of the chain is a complete definition of its own.
 * Throws a `TypeError` for a name of another form, two steps of one name, or a second `onRejected`.
 *
 *     saga<Trip>('book-trip.v1')
 *       .step('book hotel', { do: (s) => bookHotel({ tripId: s.tripId }), undo: (s) => cancelHotel({ tripId: s.tripId }) })
 *       .pivot('pay', { do: (s) => pay({ tripId: s.tripId, amount: s.total }) })
 *       .step('send tickets', { do: (s, tx) => this.tickets.send(tx, s.tripId) });
 */
export function saga<S extends object>(name: string): UndoableSaga<S> {
  if (!NAME.test(name)) throw new TypeError(`Saga name "${name}" is not of the form <name>.v<n>, for example checkout.v1`);
  return chain<S>(name, { steps: [] });
}

// The stages of the chain differ for the compiler only: one object serves both.
function chain<S>(name: string, plan: SagaDefinition<S>['plan']): UndoableSaga<S> & ForwardSaga<S> {
  const withStep = (stepName: string, options: UndoableStepOptions<S, never>): SagaDefinition<S>['plan'] => {
    if (plan.steps.some((step) => step.name === stepName)) throw new TypeError(`Saga ${name} has two steps "${stepName}"`);
    const { within, ...rest } = options;
    const step = { ...rest, name: stepName, within: duration(within ?? DEFAULT_WITHIN) } as Step<S>;
    return { ...plan, steps: [...plan.steps, step] };
  };
  return {
    name,
    plan,
    step: (stepName: string, options: unknown) => chain<S>(name, withStep(stepName, options as UndoableStepOptions<S, never>)),
    pivot: (stepName: string, options: unknown) => {
      if (plan.pivot !== undefined) throw new TypeError(`Saga ${name} has two pivots`);
      return chain<S>(name, { ...withStep(stepName, options as UndoableStepOptions<S, never>), pivot: plan.steps.length });
    },
    onRejected: (work: OnRejected<S>) => {
      if (plan.onRejected) throw new TypeError(`Saga ${name} has two onRejected`);
      return chain<S>(name, { ...plan, onRejected: work });
    },
  };
}
