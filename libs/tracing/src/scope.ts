import { AsyncLocalStorage } from 'node:async_hooks';

/** Which of several services in one process something belongs to. */
export interface TelemetryScope {
  /** `service.name` of its spans. */
  readonly service: string;
  /** `service.instance.id` of its spans. */
  readonly instance?: string;
  /** Where its log lines go unless its logger says otherwise: a file, or what takes them. Standard output by default. */
  readonly logs?: string | { write(line: string): void };
}

const active = new AsyncLocalStorage<TelemetryScope>();
/** Stands for the whole process, in which one service needs no scope. */
const unscoped = {};

/**
 * Runs `fn` as a service that shares its process with others: everything begun inside (servers, timers, pools, consumers) has metrics,
 * a logger and an OpenTelemetry resource of its own. Not for a service with a process of its own, which pays nothing for it.
 */
export function inTelemetryScope<T>(scope: TelemetryScope, fn: () => T): T {
  return active.run(scope, fn);
}

/** The scope this runs in; undefined in a process of one service. */
export const telemetryScope = (): TelemetryScope | undefined => active.getStore();

/**
 * Takes a function from the present scope along to wherever it is called: for callbacks that somebody else's call leads to, such as a
 * broker in this process that hands a message from one service to the next.
 */
export function bindTelemetryScope<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  const scope = active.getStore();
  return scope ? (...args) => active.run(scope, fn, ...args) : fn;
}

/** One value per scope, and one for the process outside of every scope, made when it is first asked for. */
export function perScope<T>(make: (scope: TelemetryScope | undefined) => T): () => T {
  const values = new WeakMap<object, { value: T }>();
  return () => {
    const scope = active.getStore();
    const key = scope ?? unscoped;
    let known = values.get(key);
    if (!known) values.set(key, (known = { value: make(scope) }));
    return known.value;
  };
}
