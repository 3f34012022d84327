import { defineService, tokenKeysOf } from '@ballast/service/manifest';
import { orderConfirmed, orderConfirmedV2, orderRejected, productChanged } from './src/cart.reads.js';
import { messages } from './src/order.messages.js';

export default defineService({
  name: 'cart',
  port: 3002,
  routes: ['/cart'],
  database: true,
  consumes: [productChanged, orderConfirmed, orderConfirmedV2, orderRejected],
  messages,
  calls: [tokenKeysOf('auth')],
});
