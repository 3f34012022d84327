import * as contracts from '@ballast/contracts';
import { reads } from '@ballast/message';
import * as next from './order.messages.js';

/** What cart reads of the others' messages. It sees nothing else of them, and their tests hold them to it. */
export const productChanged = reads(contracts.productChanged, { sku: true, name: true, price: true, version: true });
export const orderConfirmed = reads(contracts.orderConfirmed, { orderId: true, cartId: true });
export const orderConfirmedV2 = reads(next.orderConfirmedV2, { orderId: true, cartId: true });
export const orderRejected = reads(contracts.orderRejected, { orderId: true, cartId: true });
