export { backoff, type BackoffOptions } from './backoff.js';
export { duration, type Duration } from './duration.js';
export { BreakerOpenError, BulkheadFullError, DeadlineExceededError } from './errors.js';
export { FAILPOINTS, type Failpoint, failpoint } from './failpoint.js';
export { declaredPolicies, observePolicies, type PolicyEvent } from './events.js';
export { type AttemptContext, type Policy, policy, type PolicyOptions } from './policy.js';
