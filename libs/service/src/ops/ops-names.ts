/** The role of whoever may operate a service. */
export const OPERATOR = 'operator';
/** Where its endpoints are, on its own port. */
export const OPS_ROOT = 'ops/v1';
/** Metadata of an `@OpsController`: its path. */
export const OPS = 'ballast:ops';
