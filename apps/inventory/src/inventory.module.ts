import { Module } from '@nestjs/common';
import { InventoryConsumers } from './inventory.consumers.js';
import { CreateInventory1795350000000 } from './migrations/1795350000000-create-inventory.js';
import { ProductController } from './product.controller.js';
import { Product } from './product.entity.js';
import { ProductService } from './product.service.js';
import { Reservation } from './reservation.entity.js';
import { ReservationMetrics } from './reservation.metrics.js';
import { ReservationService } from './reservation.service.js';

@Module({
  controllers: [ProductController],
  providers: [ProductService, ReservationService, ReservationMetrics, InventoryConsumers],
})
export class InventoryModule {}

/** What this service keeps in its own database. */
export const storage = { entities: [Product, Reservation], migrations: [CreateInventory1795350000000] };
