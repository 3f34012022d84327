import { Module } from '@nestjs/common';
import { CheckoutV2Saga } from './checkout-v2.saga.js';
import { CheckoutSaga } from './checkout.saga.js';
import { Orders1763800000000 } from './migrations/1763800000000-orders.js';
import { BuyerColumn1796000000000 } from './migrations/1796000000000-buyer-column.js';
import { BuyerBackfill1796000000001 } from './migrations/1796000000001-buyer-backfill.js';
import { OrderConsumers } from './order.consumers.js';
import { OrderController } from './order.controller.js';
import { Order } from './order.entity.js';
import { OrderProgress } from './order.progress.js';
import { OrderService } from './order.service.js';
import { SqlOrderStore } from './order.store.js';
import { OrderStreams } from './order.stream.js';
import { OrderViews } from './order.view.js';

@Module({
  controllers: [OrderController],
  providers: [SqlOrderStore, OrderService, OrderViews, OrderProgress, OrderStreams, CheckoutSaga, CheckoutV2Saga, OrderConsumers],
})
export class OrderModule {}

/** What this service keeps in its own database. */
export const storage = {
  entities: [Order],
  migrations: [Orders1763800000000, BuyerColumn1796000000000, BuyerBackfill1796000000001],
  sagas: true,
};
