import { bookOf, booksQuery, orderBook, touchedBook, touchedQuery, type BooksQuery, type TouchedQuery } from '@ballast/contracts';
import { Answers, OpsController } from '@ballast/service';
import { Get, Query } from '@nestjs/common';
import { OrderBooks } from './order.books.js';

/** What order says of itself to whoever compares: docs/guides/reconciliation.md. */
@OpsController('books')
export class BooksController {
  constructor(private readonly books: OrderBooks) {}

  @Get('orders')
  @Answers(200, bookOf(orderBook))
  orders(@Query({ schema: booksQuery }) query: BooksQuery) {
    return this.books.page(query);
  }

  @Get('orders/touched')
  @Answers(200, touchedBook)
  touched(@Query({ schema: touchedQuery }) query: TouchedQuery) {
    return this.books.touched(query);
  }
}
