import { messages } from '@ballast/contracts';
import { defineService, tokenKeysOf } from '@ballast/service/manifest';
import { orderConfirmed, orderRejected, productChanged } from './src/cart.reads.js';

export default defineService({
  name: 'cart',
  port: 3002,
  routes: ['/cart'],
  database: true,
  consumes: [productChanged, orderConfirmed, orderRejected],
  messages,
  calls: [tokenKeysOf('auth')],
});
