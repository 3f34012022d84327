import { Module } from '@nestjs/common';
import { BooksController } from './books.controller.js';
import { CheckoutV2Saga } from './checkout-v2.saga.js';
import { CheckoutSaga } from './checkout.saga.js';
import { Orders1763800000000 } from './migrations/1763800000000-orders.js';
import { EndedAt1796100000000 } from './migrations/1796100000000-ended-at.js';
import { OrderBooks1796100000001 } from './migrations/1796100000001-books.js';
import { BuyerColumn1797000000000 } from './migrations/1797000000000-buyer-column.js';
import { BuyerBackfill1797000000001 } from './migrations/1797000000001-buyer-backfill.js';
import { OrderBooks } from './order.books.js';
import { OrderConsumers } from './order.consumers.js';
import { OrderController } from './order.controller.js';
import { Order } from './order.entity.js';
import { OrderMetrics } from './order.metrics.js';
import { OrderProgress } from './order.progress.js';
import { OrderService } from './order.service.js';
import { SqlOrderStore } from './order.store.js';
import { OrderStreams } from './order.stream.js';
import { OrderViews } from './order.view.js';
import { RepairsController } from './repairs.controller.js';

@Module({
  controllers: [OrderController, BooksController, RepairsController],
  providers: [
    SqlOrderStore,
    OrderService,
    OrderBooks,
    OrderViews,
    OrderMetrics,
    OrderProgress,
    OrderStreams,
    CheckoutSaga,
    CheckoutV2Saga,
    OrderConsumers,
  ],
})
export class OrderModule {}

/** What this service keeps in its own database. */
export const storage = {
  entities: [Order],
  migrations: [Orders1763800000000, EndedAt1796100000000, OrderBooks1796100000001, BuyerColumn1797000000000, BuyerBackfill1797000000001],
  sagas: true,
};
