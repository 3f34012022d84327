import type { Tx } from '@ballast/database';
import { contractProblems } from '@ballast/service/contracts';
import { join } from 'node:path';
import manifest from '../service.js';
import { CheckoutSaga, type Checkout } from './checkout.saga.js';
import { OrderController } from './order.controller.js';
import type { OrderService } from './order.service.js';

const consumers = join(__dirname, '../../../libs/contracts/consumers');

it('breaks no consumer, and states what it reads itself: docs/guides/contracts.md', () => {
  expect(contractProblems(manifest, consumers, [OrderController])).toEqual([]);
});

it('states every command that its saga sends, and the very definition it is sent by', () => {
  const orders = { confirm: async () => undefined } as unknown as OrderService;
  const id = '0198c1b0-0000-7000-8000-00000000000a';
  const amount = { amount: 4200, currency: 'EUR' };
  const state: Checkout = { orderId: id, accountId: id, items: [{ sku: 'sku-001', quantity: 2 }], total: amount, paymentToken: 'tok_ok' };
  const { steps } = new CheckoutSaga(orders).definition.plan;
  const works = steps.flatMap((step) => (step.undo ? [step.do, step.undo] : [step.do]));
  const sent = works.map((work) => work(state, {} as Tx)).flatMap((work) => ('definition' in work ? [work.definition] : []));
  expect(new Set(sent)).toEqual(new Set(manifest.sends));
});
