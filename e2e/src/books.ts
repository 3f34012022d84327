import type { Money } from '@ballast/contracts';
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

/** Every operation that succeeded at the processor, from its own books. */
export async function settlement(): Promise<Operation[]> {
  const { psp } = platform();
  const operations: Operation[] = [];
  for (let cursor: string | null = '0'; cursor;) {
    const response = await fetch(`${psp.url}/v1/settlement?cursor=${cursor}`, { headers: { 'x-api-key': psp.apiKey } });
    if (!response.ok) throw new Error(`GET /v1/settlement answered ${response.status}`);
    const page = (await response.json()) as { items: Operation[]; nextCursor: string | null };
    operations.push(...page.items);
    cursor = page.nextCursor;
  }
  return operations;
}

/** Pieces on hand: what is available once nothing is held. */
export async function onHand(merchant: Shopper, sku: string): Promise<number> {
  return (await merchant.get<{ available: number }>(`/products/${sku}`)).body.available;
}
