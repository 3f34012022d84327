import type { Tx } from '@ballast/database';
import type { EventOf } from '@ballast/message';
import { Consume } from '@ballast/messaging';
import { Sagas } from '@ballast/saga';
import { Injectable } from '@nestjs/common';
import { CheckoutV2Saga } from './checkout-v2.saga.js';
import { cartCheckedOut } from './order.reads.js';
import { OrderService } from './order.service.js';

@Injectable()
export class OrderConsumers {
  constructor(
    private readonly orders: OrderService,
    private readonly sagas: Sagas,
    private readonly checkout: CheckoutV2Saga,
  ) {}

  @Consume(cartCheckedOut)
  async place({ payload }: EventOf<typeof cartCheckedOut>, tx: Tx): Promise<void> {
    const { orderId, accountId, items, total, paymentToken } = payload;
    await this.orders.place(tx, payload);
    await this.sagas.start(tx, this.checkout.definition, orderId, {
      orderId,
      accountId,
      items: items.map(({ sku, quantity }) => ({ sku, quantity })),
      total,
      paymentToken,
    });
  }
}
