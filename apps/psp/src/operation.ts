import type { Operation } from './operation.entity.js';

/** How an operation ends: `code` says why it failed. */
export type Verdict = { state: 'succeeded' } | { state: 'failed'; code: string };

const succeeded: Verdict = { state: 'succeeded' };
const failed = (code: string): Verdict => ({ state: 'failed', code });

/** Takes from an authorisation, never more than it holds. Changes `authorisation` when it succeeds. */
export function capture(authorisation: Operation | null, wanted: Operation): Verdict {
  const refusal = notUsable(authorisation, wanted);
  if (refusal) return refusal;
  if (authorisation!.captured + wanted.amount > authorisation!.amount) return failed('amount_exceeds_authorisation');
  authorisation!.captured += wanted.amount;
  return succeeded;
}

/** Gives back, never more than was taken. Changes `authorisation` when it succeeds. */
export function refund(authorisation: Operation | null, wanted: Operation): Verdict {
  const refusal = notUsable(authorisation, wanted);
  if (refusal) return refusal;
  if (authorisation!.refunded + wanted.amount > authorisation!.captured) return failed('amount_exceeds_capture');
  authorisation!.refunded += wanted.amount;
  return succeeded;
}

/** Calls an operation off, even one still at work. Changes `target` when it succeeds; what has moved money stays. */
export function cancel(target: Operation): Verdict {
  if (target.captured > 0) return failed('already_captured');
  if (target.state === 'succeeded' && target.kind !== 'authorisation') return failed('already_done');
  if (target.state !== 'failed') target.state = 'cancelled';
  return succeeded;
}

function notUsable(authorisation: Operation | null, wanted: Operation): Verdict | undefined {
  if (authorisation?.kind !== 'authorisation') return failed('authorisation_unknown');
  if (authorisation.state === 'cancelled') return failed('authorisation_cancelled');
  if (authorisation.state !== 'succeeded') return failed('not_authorised');
  if (authorisation.currency !== wanted.currency) return failed('currency_mismatch');
  return undefined;
}
