import * as contracts from '@ballast/contracts';
import { reads, readsReply } from '@ballast/message';

/** What order reads of the others' messages. It sees nothing else of them, and their tests hold them to it. */
export const cartCheckedOut = reads(contracts.cartCheckedOut, {
  orderId: true,
  cartId: true,
  accountId: true,
  items: { sku: true, name: true, quantity: true, unitPrice: true },
  total: true,
  paymentToken: true,
});
export const authorisePayment = readsReply(contracts.authorisePayment, { paymentId: true });
