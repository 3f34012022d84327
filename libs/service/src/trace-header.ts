import { randomBytes } from 'node:crypto';
import { currentTraceparent } from '@ballast/tracing';

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The active span's `traceparent`; without tracing one is made, in the caller's trace if it sent one, so that no answer is without. */
export function traceparentFor(incoming: unknown): string {
  const active = currentTraceparent();
  if (active) return active;
  const caller = typeof incoming === 'string' ? TRACEPARENT.exec(incoming)?.[1] : undefined;
  return `00-${caller ?? randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
}

export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
