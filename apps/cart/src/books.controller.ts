import { bookOf, booksQuery, cartBook, touchedBook, touchedQuery, type BooksQuery, type TouchedQuery } from '@ballast/contracts';
import { Answers, OpsController } from '@ballast/service';
import { Get, Query } from '@nestjs/common';
import { CartBooks } from './cart.books.js';

/** What cart says of itself to whoever compares: docs/guides/reconciliation.md. */
@OpsController('books')
export class BooksController {
  constructor(private readonly books: CartBooks) {}

  @Get('carts')
  @Answers(200, bookOf(cartBook))
  carts(@Query({ schema: booksQuery }) query: BooksQuery) {
    return this.books.page(query);
  }

  @Get('carts/touched')
  @Answers(200, touchedBook)
  touched(@Query({ schema: touchedQuery }) query: TouchedQuery) {
    return this.books.touched(query);
  }
}
