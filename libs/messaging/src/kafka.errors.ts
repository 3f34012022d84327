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

/** The protocol's name of the error, e.g. `MESSAGE_TOO_LARGE`; kafkajs wraps it in what its retries made of it. */
export function protocolError(error: unknown): string | undefined {
  for (let e = error as { type?: unknown; cause?: unknown } | undefined, depth = 0; e && depth < 5; e = e.cause as typeof e, depth++)
    if (typeof e.type === 'string') return e.type;
  return undefined;
}

/** The name of a refusal that will be repeated however often it is tried. */
export function refusal(error: unknown): string | undefined {
  const type = protocolError(error);
  return type !== undefined && REFUSALS.has(type) ? type : undefined;
}
