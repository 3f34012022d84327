import { v5 } from 'uuid';
import type { SagaFailure } from './definition.js';
import type { HistoryOutcome, SagaStatus } from './status.js';

export type Direction = 'forward' | 'backward';

/** The step number of a rejected saga whose compensations are done: what is left is `onRejected`. */
export const CLOSING = -1;

/** A saga as it is stored between two transactions: plain data, so that it can be written down and read back at any point. */
export interface SagaRecord<S = unknown> {
  readonly id: string;
  /** The definition's name. */
  readonly definition: string;
  readonly state: S;
  readonly status: SagaStatus;
  /** Index of the step that is being done or undone, or `CLOSING`. */
  readonly step: number;
  readonly direction: Direction;
  /** The command whose outcome is open, or null: then the step runs when the timer is due. */
  readonly awaiting: string | null;
  /** How many definite failures this step had in this direction. A new round is a new command, with an id of its own. */
  readonly round: number;
  /** How often this step was tried, since it was entered or resumed. */
  readonly attempts: number;
  /** When to act without a reply, in milliseconds of the working clock. */
  readonly timerAt: number | null;
  readonly failure: SagaFailure | null;
  /** The trace context in which the saga was started. */
  readonly trace: Record<string, string>;
  /** How many history entries it has. */
  readonly entries: number;
}

/** What is added to a saga's history. */
export interface HistoryEntry {
  step: string;
  outcome: HistoryOutcome;
  code?: string;
}

export function newRecord<S>(definition: string, id: string, state: S, trace: Record<string, string>): SagaRecord<S> {
  return {
    id,
    definition,
    state,
    status: 'RUNNING',
    step: 0,
    direction: 'forward',
    awaiting: null,
    round: 0,
    attempts: 0,
    timerAt: null,
    failure: null,
    trace,
    entries: 0,
  };
}

/**
 * The id of a step's command. It follows from what it is, so a command that is sent again because its outcome is unknown is the
 * same message, and its receiver's inbox knows it; after a definite failure it is another one (`round`), which will be handled.
 */
export const commandId = (sagaId: string, step: string, direction: Direction, round: number): string =>
  v5(`${direction}/${round}/${step}`, sagaId);

export const isFinished = ({ status }: Pick<SagaRecord, 'status'>): boolean =>
  status === 'COMPLETED' || status === 'COMPENSATED' || status === 'ABANDONED';
