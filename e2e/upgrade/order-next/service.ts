import { capturePayment, commitStock, releaseStock, reserveStock, voidPayment } from '@ballast/contracts';
import { defineService, tokenKeysOf } from '@ballast/service/manifest';
import { messages } from './src/order.messages.js';
import { authorisePayment, cartCheckedOut } from './src/order.reads.js';

export default defineService({
  name: 'order',
  port: 3004,
  routes: ['/orders'],
  database: true,
  messages,
  consumes: [cartCheckedOut],
  sends: [reserveStock, releaseStock, authorisePayment, voidPayment, capturePayment, commitStock],
  calls: [tokenKeysOf('auth')],
});
