/** A signal that aborts with its parent or after a limit, whichever is first. */
export interface Scope {
  readonly signal: AbortSignal;
  /** ms left before the limit of this scope or of one around it; Infinity without one. */
  remaining(): number;
  dispose(): void;
}

/** Ends by signal, on `performance.now()`'s clock: a deadline travels with its signal through whatever lies between two policies. */
const ends = new WeakMap<AbortSignal, number>();

/** Timers and not `AbortSignal.timeout`: a disposed scope leaves nothing behind. */
export function openScope(parent: AbortSignal | undefined, limit: number | undefined, reason: (limit: number) => Error): Scope {
  const controller = new AbortController();
  const follow = () => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  else parent?.addEventListener('abort', follow, { once: true });
  const outer = (parent && ends.get(parent)) ?? Infinity;
  const end = limit === undefined ? outer : Math.min(outer, performance.now() + limit);
  ends.set(controller.signal, end);
  const timer = limit === undefined ? undefined : setTimeout(() => controller.abort(reason(limit)), limit);
  return {
    signal: controller.signal,
    remaining: () => Math.max(0, end - performance.now()),
    dispose() {
      clearTimeout(timer);
      parent?.removeEventListener('abort', follow);
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
