import { Module } from '@nestjs/common';
import { BooksController } from './books.controller.js';
import { InventoryBooks } from './inventory.books.js';
import { InventoryConsumers } from './inventory.consumers.js';
import { CreateInventory1795350000000 } from './migrations/1795350000000-create-inventory.js';
import { StockReceipt1796100000000 } from './migrations/1796100000000-stock-receipt.js';
import { InventoryBooks1796100000001 } from './migrations/1796100000001-books.js';
import { ProductController } from './product.controller.js';
import { Product } from './product.entity.js';
import { ProductService } from './product.service.js';
import { RepairsController } from './repairs.controller.js';
import { Reservation } from './reservation.entity.js';
import { ReservationMetrics } from './reservation.metrics.js';
import { ReservationService } from './reservation.service.js';
import { SqlReservationStore } from './reservation.store.js';
import { StockRepairs } from './stock.repairs.js';

@Module({
  controllers: [ProductController, BooksController, RepairsController],
  providers: [
    ProductService,
    SqlReservationStore,
    ReservationService,
    ReservationMetrics,
    InventoryBooks,
    StockRepairs,
    InventoryConsumers,
  ],
})
export class InventoryModule {}

/** What this service keeps in its own database. */
export const storage = {
  entities: [Product, Reservation],
  migrations: [CreateInventory1795350000000, StockReceipt1796100000000, InventoryBooks1796100000001],
};
