import {
  bookOf,
  booksQuery,
  paymentBook,
  settlementBook,
  settlementQuery,
  settlementTouchedQuery,
  touchedBook,
  touchedQuery,
  type BooksQuery,
  type SettlementQuery,
  type SettlementTouchedQuery,
  type TouchedQuery,
} from '@ballast/contracts';
import { Answers, OpsController } from '@ballast/service';
import { Get, Query } from '@nestjs/common';
import { LedgerService } from './ledger.service.js';
import { PaymentBooks } from './payment.books.js';
import { ledgerView } from './payment.requests.js';
import { PspSettlement } from './psp.settlement.js';

/** What payment says of itself, and what the processor says, to whoever compares: docs/guides/reconciliation.md. */
@OpsController('books')
export class BooksController {
  constructor(
    private readonly books: PaymentBooks,
    private readonly settlement: PspSettlement,
    private readonly ledger: LedgerService,
  ) {}

  @Get('payments')
  @Answers(200, bookOf(paymentBook))
  payments(@Query({ schema: booksQuery }) query: BooksQuery) {
    return this.books.page(query);
  }

  @Get('payments/touched')
  @Answers(200, touchedBook)
  paymentsTouched(@Query({ schema: touchedQuery }) query: TouchedQuery) {
    return this.books.touched(query);
  }

  @Get('settlement')
  @Answers(200, bookOf(settlementBook))
  sales(@Query({ schema: settlementQuery }) query: SettlementQuery) {
    return this.settlement.page(query);
  }

  @Get('settlement/touched')
  @Answers(200, touchedBook)
  salesTouched(@Query({ schema: settlementTouchedQuery }) query: SettlementTouchedQuery) {
    return this.settlement.touched(query);
  }

  @Get('ledger')
  @Answers(200, ledgerView)
  trialBalance() {
    return this.ledger.balances();
  }
}
