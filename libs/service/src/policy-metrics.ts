import { declaredPolicies, observePolicies, type PolicyEvent } from '@ballast/resilience';
import { counter, gauge, telemetryScope } from '@ballast/tracing';

const events = () => counter('ballast_policy_events_total', 'What happened to the calls of a policy', ['policy', 'event']);
const open = () => gauge('ballast_policy_open', 'Whether a policy turns calls away: 1 until its breaker has closed again', ['policy']);

const common: readonly PolicyEvent['event'][] = ['success', 'failure', 'retry', 'timeout', 'rejected', 'opened'];
let observing = false;
/** Of several services in one process, whose a policy is. One that is not here is everybody's. */
const owners = new Map<string, string>();

/** The policies that are declared while a service is loaded are its own: its neighbours in the process do not show them. */
export async function ownPolicies<T>(service: string, load: () => Promise<T>): Promise<T> {
  const before = new Set(declaredPolicies());
  const loaded = await load();
  for (const policy of declaredPolicies()) if (!before.has(policy)) owners.set(policy, service);
  return loaded;
}

/** Counts what happens to every policy of the service, from 0 for those there are: an alert sees the very first failure. */
export function exposePolicies(): void {
  const here = telemetryScope()?.service;
  for (const policy of declaredPolicies()) {
    if (here && (owners.get(policy) ?? here) !== here) continue;
    for (const event of common) events().inc({ policy, event }, 0);
    open().inc({ policy }, 0);
  }
  // One listener for the process: it is called in the scope of the call it hears of.
  if (observing) return;
  observing = true;
  observePolicies(({ policy, event }) => {
    events().inc({ policy, event });
    if (event === 'opened') open().set({ policy }, 1);
    if (event === 'closed') open().set({ policy }, 0);
  });
}
