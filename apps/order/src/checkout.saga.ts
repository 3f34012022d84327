import { capturePayment, commitStock, releaseStock, reserveStock, voidPayment, type LineItem, type Money } from '@ballast/contracts';
import { Saga, saga } from '@ballast/saga';
import { authorisePayment } from './order.reads.js';
import { OrderService } from './order.service.js';

/** What a checkout carries from step to step. Its id is the order's. */
export interface Checkout {
  orderId: string;
  accountId: string;
  items: Pick<LineItem, 'sku' | 'quantity'>[];
  total: Money;
  paymentToken: string;
  paymentId?: string;
}

/** What happens at checkout, whole. Mechanics (outbox, replies, deadlines, compensation) are in libs/saga. */
@Saga()
export class CheckoutSaga {
  constructor(private readonly orders: OrderService) {}

  readonly definition = saga<Checkout>('checkout.v1')
    .step('reserve stock', {
      do: (s) => reserveStock({ orderId: s.orderId, items: s.items }),
      undo: (s) => releaseStock({ orderId: s.orderId }),
      within: '2m',
    })
    .step('authorise payment', {
      do: (s) => authorisePayment({ orderId: s.orderId, accountId: s.accountId, amount: s.total, token: s.paymentToken }),
      reply: (r) => ({ paymentId: r.paymentId }),
      undo: (s) => voidPayment({ orderId: s.orderId }),
      within: '5m',
    })
    .pivot('capture payment', { do: (s) => capturePayment({ orderId: s.orderId }), within: '2m' })
    .step('commit stock', { do: (s) => commitStock({ orderId: s.orderId }) })
    .step('confirm order', { do: (s, tx) => this.orders.confirm(tx, s.orderId) })
    .onRejected((s, tx, failure) => this.orders.reject(tx, s.orderId, failure.code));
}
