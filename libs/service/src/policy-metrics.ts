import { declaredPolicies, observePolicies, type PolicyEvent } from '@ballast/resilience';
import { counter, gauge } from '@ballast/tracing';

const events = () => counter('ballast_policy_events_total', 'What happened to the calls of a policy', ['policy', 'event']);
const open = () => gauge('ballast_policy_open', 'Whether a policy turns calls away: 1 until its breaker has closed again', ['policy']);

const common: readonly PolicyEvent['event'][] = ['success', 'failure', 'retry', 'timeout', 'rejected', 'opened'];
let observing = false;

/** Counts what happens to every policy of the process, from 0 for those there are: an alert sees the very first failure. */
export function exposePolicies(): void {
  for (const policy of declaredPolicies()) {
    for (const event of common) events().inc({ policy, event }, 0);
    open().inc({ policy }, 0);
  }
  // One listener for the process, as there is one registry.
  if (observing) return;
  observing = true;
  observePolicies(({ policy, event }) => {
    events().inc({ policy, event });
    if (event === 'opened') open().set({ policy }, 1);
    if (event === 'closed') open().set({ policy }, 0);
  });
}
