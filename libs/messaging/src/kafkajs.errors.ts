/** The protocol's name of the error, e.g. `MESSAGE_TOO_LARGE`; kafkajs wraps it in what its retries made of it. */
export function protocolError(error: unknown): string | undefined {
  for (let e = error as { type?: unknown; cause?: unknown } | undefined, depth = 0; e && depth < 5; e = e.cause as typeof e, depth++)
    if (typeof e.type === 'string') return e.type;
  return undefined;
}
