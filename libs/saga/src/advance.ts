import type { AnyCommand, CommandDraft, Reply } from '@ballast/message';
import type { Tx } from '@ballast/database';
import { decide, type Circumstances, type Ignored, type Input, type Perform } from './decide.js';
import type { AnySaga } from './definition.js';
import { CLOSING, type HistoryEntry, type SagaRecord } from './record.js';

/** Carries a step out. `sent`: its reply will come; a reply: it was local work and is done, or has failed for good. Other errors pass through. */
export type Performer = (perform: Perform, record: SagaRecord) => Promise<'sent' | Reply>;

export interface Advance {
  record: SagaRecord;
  history: HistoryEntry[];
  ignored?: Ignored;
}

/** Takes a saga as far as one input brings it: through any number of local steps, until it waits or has ended. */
export async function advance(
  definition: AnySaga,
  from: SagaRecord,
  first: Input,
  c: Circumstances,
  carryOut: Performer,
): Promise<Advance> {
  let record = from;
  let input = first;
  const history: HistoryEntry[] = [];
  for (;;) {
    const decision = decide(definition, record, input, c);
    ({ record } = decision);
    history.push(...decision.history);
    const { perform, ignored } = decision;
    if (!perform) return { record: { ...record, entries: from.entries + history.length }, history, ...(ignored && { ignored }) };

    const outcome = await carryOut(perform, record);
    if (outcome === 'sent') {
      history.push({ step: perform.name, outcome: perform.direction === 'forward' ? 'sent' : 'undo-sent' });
      return { record: { ...record, entries: from.entries + history.length }, history };
    }
    input = { kind: 'reply', commandId: perform.commandId, reply: outcome };
  }
}

/** Calls the definition's function for a step. */
export function callStep(
  definition: AnySaga,
  at: Pick<SagaRecord, 'step' | 'direction'>,
  record: SagaRecord,
  tx: Tx,
): CommandDraft<AnyCommand> | Promise<void> {
  if (at.step === CLOSING) return definition.plan.onRejected!(record.state, tx, record.failure!);
  const step = definition.plan.steps[at.step]!;
  return at.direction === 'forward' ? step.do(record.state, tx) : step.undo!(record.state, tx);
}

export const isPromise = (value: CommandDraft<AnyCommand> | Promise<void>): value is Promise<void> =>
  typeof (value as Promise<void>).then === 'function';
