export interface PolicyEvent {
  policy: string;
  /**
   * Per call: `success` (it was answered, if only by a refusal), `failure`. Per attempt: `retry`, `timeout`, `rejected` (by breaker
   * or bulkhead), `budget-exhausted` (a retry was due but not allowed). Of the breaker: `opened`, `half-opened`, `closed`.
   */
  event: 'success' | 'failure' | 'retry' | 'timeout' | 'rejected' | 'budget-exhausted' | 'opened' | 'half-opened' | 'closed';
}

const names = new Set<string>();
const listeners = new Set<(event: PolicyEvent) => void>();

/** Tells the listener what happens to every policy of the process; returns how to stop it. A listener must not throw. */
export function observePolicies(listener: (event: PolicyEvent) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The name of every policy that was declared in this process so far. */
export const declaredPolicies = (): readonly string[] => [...names];

export const announce = (policy: string): void => void names.add(policy);

export function emit(policy: string, event: PolicyEvent['event']): void {
  for (const listener of listeners) listener({ policy, event });
}
