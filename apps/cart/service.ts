import { messages, orderConfirmed, orderRejected, productChanged } from '@ballast/contracts';
import { defineService } from '@ballast/service/manifest';

export default defineService({
  name: 'cart',
  port: 3002,
  routes: ['/cart'],
  database: true,
  consumes: [productChanged, orderConfirmed, orderRejected],
  messages,
});
