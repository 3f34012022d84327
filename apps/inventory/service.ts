import { messages } from '@ballast/contracts';
import { defineService, tokenKeysOf } from '@ballast/service/manifest';

export default defineService({
  name: 'inventory',
  port: 3003,
  routes: ['/products'],
  database: true,
  messages,
  calls: [tokenKeysOf('auth')],
});
