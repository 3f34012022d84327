import type { Tx } from '@ballast/database';
import type { EventOf } from '@ballast/message';
import { Consume } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { orderConfirmed, orderConfirmedV2, orderRejected, productChanged } from './cart.reads.js';
import { CartService } from './cart.service.js';
import { CatalogueService } from './catalogue.service.js';

@Injectable()
export class CartConsumers {
  constructor(
    private readonly carts: CartService,
    private readonly catalogue: CatalogueService,
  ) {}

  @Consume(productChanged)
  learn({ payload }: EventOf<typeof productChanged>, tx: Tx) {
    return this.catalogue.learn(tx, payload);
  }

  @Consume(orderConfirmed)
  @Consume(orderConfirmedV2)
  close({ payload }: EventOf<typeof orderConfirmed | typeof orderConfirmedV2>, tx: Tx) {
    return this.carts.close(tx, payload);
  }

  @Consume(orderRejected)
  reopen({ payload }: EventOf<typeof orderRejected>, tx: Tx) {
    return this.carts.reopen(tx, payload);
  }
}
