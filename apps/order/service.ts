import { capturePayment, commitStock, messages, releaseStock, reserveStock, voidPayment } from '@ballast/contracts';
import { defineService, tokenKeysOf } from '@ballast/service/manifest';
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
