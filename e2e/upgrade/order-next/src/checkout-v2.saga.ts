import { capturePayment, commitStock, releaseStock, reserveStock, voidPayment } from '@ballast/contracts';
import { Saga, saga } from '@ballast/saga';
import type { Checkout } from './checkout.saga.js';
import { authorisePayment } from './order.reads.js';
import { OrderService } from './order.service.js';

/** Asks the card first: one that is declined never holds stock. */
@Saga()
export class CheckoutV2Saga {
  constructor(private readonly orders: OrderService) {}

  readonly definition = saga<Checkout>('checkout.v2')
    .step('authorise payment', {
      do: (s) => authorisePayment({ orderId: s.orderId, accountId: s.accountId, amount: s.total, token: s.paymentToken }),
      reply: (r) => ({ paymentId: r.paymentId }),
      undo: (s) => voidPayment({ orderId: s.orderId }),
      within: '5m',
    })
    .step('reserve stock', {
      do: (s) => reserveStock({ orderId: s.orderId, items: s.items }),
      undo: (s) => releaseStock({ orderId: s.orderId }),
      within: '2m',
    })
    .pivot('capture payment', { do: (s) => capturePayment({ orderId: s.orderId }), within: '2m' })
    .step('commit stock', { do: (s) => commitStock({ orderId: s.orderId }) })
    .step('confirm order', { do: (s, tx) => this.orders.confirm(tx, s.orderId) })
    .onRejected((s, tx, failure) => this.orders.reject(tx, s.orderId, failure.code));
}
