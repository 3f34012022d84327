import type { Money } from '@ballast/contracts';
import type { KindCode } from './kinds.js';
import type { Message } from './ways.js';

/** An operation of the owning service that mends it: an operator endpoint, which looks again under its own locks. */
export interface Repair {
  readonly service: 'order' | 'payment' | 'inventory';
  readonly path: string;
  readonly body?: object;
}

/** One difference between books. */
export interface Finding {
  readonly kind: KindCode;
  /** What it is about: with the kind, what makes two findings the same. An order, payment, refund, operation or product. */
  readonly subject: string;
  /** The order whose books disagree; missing for a product or for all of them. */
  readonly orderId?: string;
  /** What is at stake. */
  readonly amount?: Money;
  /** What the books say, for a person. */
  readonly detail: string;
  /** What has to be the same in a second reading, when `detail` has figures that move with every sale. */
  readonly steady?: string;
  /** It is a difference only if this message is lost: while that may still come, nothing is wrong. */
  readonly message?: Message;
  readonly repair?: Repair;
}

/** Whether a second reading says the same: what changes between two looks is still in motion. */
export const saysTheSame = (one: Finding, other: Finding | undefined): boolean =>
  (one.steady ?? one.detail) === (other?.steady ?? other?.detail);

export const identityOf = ({ kind, subject }: Pick<Finding, 'kind' | 'subject'>): string => `${kind} ${subject}`;
