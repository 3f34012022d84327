import {
  bookOf,
  booksQuery,
  productBook,
  reservationBook,
  touchedBook,
  touchedQuery,
  type BooksQuery,
  type TouchedQuery,
} from '@ballast/contracts';
import { Answers, OpsController } from '@ballast/service';
import { Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { InventoryBooks } from './inventory.books.js';
import { sku } from './product.schema.js';

const productsQuery = z.object({ after: sku.optional() });

/** What inventory says of itself to whoever compares: docs/guides/reconciliation.md. */
@OpsController('books')
export class BooksController {
  constructor(private readonly books: InventoryBooks) {}

  @Get('reservations')
  @Answers(200, bookOf(reservationBook))
  reservations(@Query({ schema: booksQuery }) query: BooksQuery) {
    return this.books.reservations(query);
  }

  @Get('reservations/touched')
  @Answers(200, touchedBook)
  touched(@Query({ schema: touchedQuery }) query: TouchedQuery) {
    return this.books.touched(query);
  }

  @Get('products')
  @Answers(200, bookOf(productBook))
  products(@Query({ schema: productsQuery }) { after }: z.output<typeof productsQuery>) {
    return this.books.products(after);
  }
}
