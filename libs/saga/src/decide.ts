import type { Reply } from '@ballast/message';
import type { AnySaga, SagaFailure, Step } from './definition.js';
import { CLOSING, commandId, isFinished, type Direction, type HistoryEntry, type SagaRecord } from './record.js';
import { retryDelay, type RetryPolicy } from './retry.js';

/** The code of a failure when a reply did not come in time. */
export const TIMED_OUT = 'TIMED_OUT';
/** The code of local work that failed in a way that a repetition would not change, unless it threw `Refused` with a code of its own. */
export const STEP_FAILED = 'STEP_FAILED';

export type Input =
  | { kind: 'started' }
  /** The outcome of a command, or of local work under the id of its `perform`. */
  | { kind: 'reply'; commandId: string; reply: Reply }
  | { kind: 'timer' }
  | { kind: 'resumed' };

/** Run the step's `do` or `undo`, or `onRejected` (`CLOSING`), under this id. */
export interface Perform {
  step: number;
  name: string;
  direction: Direction;
  commandId: string;
}

/** Why an input changed nothing: it was known, its time-out came first, the timer is not due, or the saga is not stuck. */
export type Ignored = 'duplicate' | 'late' | 'early' | 'not-stuck';

export interface Decision {
  record: SagaRecord;
  history: HistoryEntry[];
  perform?: Perform;
  ignored?: Ignored;
}

export interface Circumstances {
  /** The working clock, in milliseconds. */
  now: number;
  retry: RetryPolicy;
}

/**
 * What a saga does next. Pure: no time, no storage, no messages, and of the definition's functions only `reply`.
 *
 * - A definite failure up to the pivot undoes all *earlier* steps, in reverse: the failed one changed nothing.
 * - A time-out before the pivot undoes that step *too*: it may have happened, or may still.
 * - The outcome of a pivot that timed out is unknown: it is asked for again, never guessed.
 * - The pivot's success is never taken back. What comes after it, and every undo, is tried until it succeeds or is `STUCK`.
 */
export function decide(definition: AnySaga, record: SagaRecord, input: Input, c: Circumstances): Decision {
  switch (input.kind) {
    case 'started': {
      const next = enter(definition, record, 'forward', 0, c);
      return { ...next, history: [{ step: definition.name, outcome: 'started' }, ...next.history] };
    }
    case 'reply':
      if (isFinished(record) || input.commandId !== record.awaiting)
        return ignore(record, isLate(record, input.commandId) ? 'late' : 'duplicate');
      return input.reply.outcome === 'succeeded'
        ? succeeded(definition, record, input.reply.result, c)
        : failed(definition, record, input.reply, c);
    case 'timer':
      if (record.timerAt === null || record.timerAt > c.now) return ignore(record, 'early');
      return record.awaiting === null ? attempt(definition, record, c) : timedOut(definition, record, c);
    case 'resumed': {
      if (record.status !== 'STUCK') return ignore(record, 'not-stuck');
      const next = attempt(definition, { ...record, status: going(record.direction), attempts: 0 }, c);
      return { ...next, history: [{ step: nameOf(definition, record), outcome: 'resumed' }, ...next.history] };
    }
  }
}

function succeeded(definition: AnySaga, record: SagaRecord, result: unknown, c: Circumstances): Decision {
  const step = nameOf(definition, record);
  if (record.direction === 'backward') {
    const next = enter(definition, record, 'backward', record.step - 1, c);
    return { ...next, history: [...(record.step === CLOSING ? [] : [{ step, outcome: 'undone' } as const]), ...next.history] };
  }
  const learned = stepOf(definition, record.step).reply?.(result, record.state);
  const state = { ...(record.state as object), ...learned };
  const next = enter(definition, { ...record, state, failure: null }, 'forward', record.step + 1, c);
  return { ...next, history: [{ step, outcome: 'succeeded' }, ...next.history] };
}

function failed(definition: AnySaga, record: SagaRecord, { code, message }: { code: string; message: string }, c: Circumstances): Decision {
  const step = nameOf(definition, record);
  const history: HistoryEntry[] = [{ step, outcome: record.direction === 'forward' ? 'failed' : 'undo-failed', code }];
  if (mayTurnBack(definition, record)) return turnBack(definition, record, { step, code, message }, record.step - 1, history, c);

  const failure = record.direction === 'forward' ? { step, code, message } : record.failure;
  const settled = { ...record, failure, awaiting: null, round: record.round + 1 };
  if (record.status === 'STUCK') return { record: settled, history };
  if (record.attempts >= c.retry.attempts) return stuck(settled, step, history);
  return { record: { ...settled, timerAt: c.now + retryDelay(c.retry, record.attempts) }, history };
}

function timedOut(definition: AnySaga, record: SagaRecord, c: Circumstances): Decision {
  const step = nameOf(definition, record);
  const forward = record.direction === 'forward';
  const history: HistoryEntry[] = [{ step, outcome: forward ? 'timed-out' : 'undo-timed-out' }];
  const failure: SagaFailure = { step, code: TIMED_OUT, message: 'No reply came in time' };
  if (mayTurnBack(definition, record) && record.step !== definition.plan.pivot)
    return turnBack(definition, record, failure, record.step, history, c);

  const unknown = forward ? { ...record, failure } : record;
  if (record.attempts >= c.retry.attempts) return stuck(unknown, step, history);
  const next = attempt(definition, unknown, c);
  return { ...next, history: [...history, ...next.history] };
}

/** Whether a failure of the current step may still end the saga: it goes forward and the pivot has not succeeded. */
const mayTurnBack = ({ plan }: AnySaga, { direction, step }: SagaRecord) =>
  direction === 'forward' && step <= (plan.pivot ?? plan.steps.length);

function turnBack(definition: AnySaga, record: SagaRecord, failure: SagaFailure, from: number, history: HistoryEntry[], c: Circumstances) {
  const next = enter(definition, { ...record, failure }, 'backward', from, c);
  return { ...next, history: [...history, ...next.history] };
}

/** Goes to a step, or past those that have nothing to undo, or to the end. */
function enter(definition: AnySaga, record: SagaRecord, direction: Direction, step: number, c: Circumstances): Decision {
  const { steps, onRejected } = definition.plan;
  const at = (index: number) =>
    attempt(definition, { ...record, status: going(direction), direction, step: index, awaiting: null, round: 0, attempts: 0 }, c);
  if (direction === 'forward') return step < steps.length ? at(step) : finish(definition, record, 'COMPLETED');
  let index = step;
  while (index >= 0 && !stepOf(definition, index).undo) index -= 1;
  if (index >= 0) return at(index);
  return onRejected && record.step !== CLOSING ? at(CLOSING) : finish(definition, record, 'COMPENSATED');
}

/** Tries the current step. The id changes with the round, so a try after a time-out is the same command as before. */
function attempt(definition: AnySaga, record: SagaRecord, c: Circumstances): Decision {
  const attempts = record.attempts + 1;
  const name = nameOf(definition, record);
  const id = commandId(record.id, name, record.direction, record.round);
  const within = record.step === CLOSING ? 0 : stepOf(definition, record.step).within;
  const patience = attempts > 1 ? retryDelay(c.retry, attempts - 1) : 0;
  return {
    record: { ...record, awaiting: id, attempts, timerAt: c.now + within + patience },
    history: [],
    perform: { step: record.step, name, direction: record.direction, commandId: id },
  };
}

function stuck(record: SagaRecord, step: string, history: HistoryEntry[]): Decision {
  return { record: { ...record, status: 'STUCK', timerAt: null }, history: [...history, { step, outcome: 'stuck' }] };
}

function finish(definition: AnySaga, record: SagaRecord, status: 'COMPLETED' | 'COMPENSATED'): Decision {
  return {
    record: { ...record, status, awaiting: null, timerAt: null },
    history: [{ step: definition.name, outcome: status === 'COMPLETED' ? 'completed' : 'compensated' }],
  };
}

/** A reply to the step that was given up because it did not reply. Its undo covers what it did. */
const isLate = ({ id, failure }: SagaRecord, command: string) =>
  failure?.code === TIMED_OUT && command === commandId(id, failure.step, 'forward', 0);

const ignore = (record: SagaRecord, ignored: Ignored): Decision => ({ record, history: [], ignored });
const going = (direction: Direction) => (direction === 'forward' ? 'RUNNING' : 'COMPENSATING');

/** The name under which a record's current step is told: of `CLOSING`, the saga's own. */
export const nameOf = (definition: AnySaga, { step }: Pick<SagaRecord, 'step'>): string =>
  step === CLOSING ? definition.name : stepOf(definition, step).name;

/** Where a failpoint is: `capture payment`, `undo reserve stock`, `onRejected`. */
export const placeOf = ({ step, name, direction }: Pick<Perform, 'step' | 'name' | 'direction'>): string =>
  step === CLOSING ? 'onRejected' : direction === 'forward' ? name : `undo ${name}`;

function stepOf(definition: AnySaga, index: number): Step<unknown> {
  const step = definition.plan.steps[index];
  if (!step) throw new Error(`Saga ${definition.name} has no step number ${index}: its steps were changed without a new version`);
  return step as Step<unknown>;
}
