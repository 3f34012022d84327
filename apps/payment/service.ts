import { messages } from '@ballast/contracts';
import { defineService, tokenKeysOf } from '@ballast/service/manifest';
import { psp } from './src/psp.calls.js';

export default defineService({
  name: 'payment',
  port: 3005,
  routes: ['/payments'],
  database: true,
  messages,
  needs: ['psp'],
  calls: [tokenKeysOf('auth'), ...Object.values(psp)],
});
