import { Module } from '@nestjs/common';
import { BooksController } from './books.controller.js';
import { CartBooks } from './cart.books.js';
import { CartConsumers } from './cart.consumers.js';
import { CartController } from './cart.controller.js';
import { Cart, CartItem } from './cart.entity.js';
import { CartMetrics } from './cart.metrics.js';
import { CartService } from './cart.service.js';
import { SqlCartStore } from './cart.store.js';
import { CatalogueEntry } from './catalogue.entity.js';
import { CatalogueService } from './catalogue.service.js';
import { CreateCart1795350000000 } from './migrations/1795350000000-create-cart.js';
import { CartBooks1796100000000 } from './migrations/1796100000000-books.js';

@Module({
  controllers: [CartController, BooksController],
  providers: [SqlCartStore, CartService, CartBooks, CatalogueService, CartConsumers, CartMetrics],
})
export class CartModule {}

/** What this service keeps in its own database. */
export const storage = { entities: [Cart, CartItem, CatalogueEntry], migrations: [CreateCart1795350000000, CartBooks1796100000000] };
