import { toMermaid } from '@ballast/saga';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckoutSaga } from './checkout.saga.js';
import type { OrderService } from './order.service.js';

it('the README draws the checkout as the code has it', () => {
  const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8');
  const drawing = toMermaid(new CheckoutSaga({} as OrderService).definition);
  expect(readme).toContain('```mermaid\n' + drawing + '```');
});
