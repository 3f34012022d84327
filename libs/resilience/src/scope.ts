/** A signal that aborts with its parent or after a limit, whichever is first. */
export interface Scope {
  readonly signal: AbortSignal;
  /** ms left before the limit of this scope or of its parent; Infinity without one. */
  remaining(): number;
  dispose(): void;
}

/** Timers and not `AbortSignal.timeout`: a disposed scope leaves nothing behind. */
export function openScope(
  parent: { signal?: AbortSignal | undefined; remaining?(): number },
  limit: number | undefined,
  reason: (limit: number) => Error,
): Scope {
  const controller = new AbortController();
  const follow = () => controller.abort(parent.signal?.reason);
  if (parent.signal?.aborted) follow();
  else parent.signal?.addEventListener('abort', follow, { once: true });
  const end = limit === undefined ? Infinity : performance.now() + limit;
  const timer = limit === undefined ? undefined : setTimeout(() => controller.abort(reason(limit)), limit);
  return {
    signal: controller.signal,
    remaining: () => Math.max(0, Math.min(end - performance.now(), parent.remaining?.() ?? Infinity)),
    dispose() {
      clearTimeout(timer);
      parent.signal?.removeEventListener('abort', follow);
    },
  };
}

/** The promise's outcome, or the signal's reason if that comes first. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Rejects with the signal's reason when it aborts meanwhile. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const slept = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  return orAborted(slept, signal).finally(() => clearTimeout(timer));
}
