/**
 * `RUNNING` forward, `COMPENSATING` backward; `COMPLETED` and `COMPENSATED` are final. `STUCK`: a step that must succeed did not,
 * after all its tries; the saga waits for its late reply or for an operator, who has it resumed, in whichever direction it was going,
 * or gives it up: `ABANDONED`, which is final, and says nothing about what its steps did.
 */
export type SagaStatus = 'RUNNING' | 'COMPENSATING' | 'COMPLETED' | 'COMPENSATED' | 'STUCK' | 'ABANDONED';

/**
 * What happened in a saga, as its history says it. Forward: `sent`, `succeeded`, `failed`, `timed-out`. Backward: `undo-sent`,
 * `undone`, `undo-failed`, `undo-timed-out`. Either: `stuck`, `resumed`. Of the saga itself, under its own name as the step:
 * `started`, `completed`, `compensated`, `abandoned`. Local work has no `sent`.
 */
export type HistoryOutcome =
  | 'started'
  | 'sent'
  | 'succeeded'
  | 'failed'
  | 'timed-out'
  | 'undo-sent'
  | 'undone'
  | 'undo-failed'
  | 'undo-timed-out'
  | 'stuck'
  | 'resumed'
  | 'completed'
  | 'compensated'
  | 'abandoned';
