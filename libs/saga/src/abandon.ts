import type { AnySaga } from './definition.js';
import { CLOSING, commandId, type HistoryEntry, type SagaRecord } from './record.js';
import type { Perform } from './decide.js';

/** The code of the failure of a saga that an operator has given up. */
export const ABANDONED = 'ABANDONED';

/**
 * What becomes of a stuck saga that is given up: it ends here, and nothing more is tried. Neither way is taken for it. Backwards would
 * take back a pivot whose success, or whose unknown outcome, others rely on; forwards is what did not work. What its steps did is in
 * its history, and a person settles it. It awaits nothing, so a reply that comes after all changes nothing.
 */
export function abandoned(
  definition: AnySaga,
  record: SagaRecord,
  step: string,
  reason: string,
): { record: SagaRecord; history: HistoryEntry[] } {
  const failure = { step, code: ABANDONED, message: reason };
  const history: HistoryEntry[] = [{ step: definition.name, outcome: 'abandoned' }];
  return { record: { ...record, status: 'ABANDONED', failure, awaiting: null, timerAt: null, entries: record.entries + 1 }, history };
}

/** The one thing that is done for it: whoever is told of a rejection is told of this one, with the code `ABANDONED`. */
export const closing = (definition: AnySaga, { id }: SagaRecord): Perform => ({
  step: CLOSING,
  name: definition.name,
  direction: 'backward',
  commandId: commandId(id, ABANDONED, 'backward', 0),
});
