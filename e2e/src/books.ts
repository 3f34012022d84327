import type { Money } from '@ballast/contracts';
import { settlement as settlementOf } from './checker.js';
import { platform, type Operation } from './platform.js';
import type { Shopper } from './shop.js';

export interface PaymentView {
  paymentId: string;
  captured: Money;
  refunded: Money;
}

/** What was captured for an order: by payment's own word, and each capture that really happened at the processor. */
export async function capturesOf(merchant: Shopper, orderId: string): Promise<{ payment: number; psp: number[] }> {
  const { body } = await merchant.get<{ items: PaymentView[] }>(`/payments?orderId=${orderId}`);
  const ids = body.items.map((p) => p.paymentId);
  const captures = (await settlement()).filter((o) => o.kind === 'capture' && ids.some((id) => o.key.startsWith(id)));
  return { payment: body.items.reduce((sum, p) => sum + p.captured.amount, 0), psp: captures.map((o) => o.amount.amount) };
}

/** Every operation that succeeded at the processor of the shared platform, from its own books. */
export const settlement = (): Promise<Operation[]> => settlementOf(platform());

/** Pieces on hand: what is available once nothing is held. */
export async function onHand(merchant: Shopper, sku: string): Promise<number> {
  return (await merchant.get<{ available: number }>(`/products/${sku}`)).body.available;
}
