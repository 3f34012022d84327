/** What a broker says no to for good. The rest (leader moved, not enough replicas, time-out) is worth another try. */
const REFUSALS = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'POLICY_VIOLATION',
]);

/** Of a broker's answers, by the protocol's names, the one that will be repeated however often it is tried. */
export const refusalAmong = (answers: readonly string[]): string | undefined => answers.find((answer) => REFUSALS.has(answer));
