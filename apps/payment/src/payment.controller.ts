import { Database } from '@ballast/database';
import { Account, type AccountClaims, Answers, Idempotency, IdempotencyKey, type IdempotentRequest, pageOf, Roles } from '@ballast/service';
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { LedgerService } from './ledger.service.js';
import { errors } from './payment.errors.js';
import {
  ledgerView,
  paymentsQuery,
  paymentView,
  refundRequest,
  refundView,
  view,
  type PaymentsQuery,
  type RefundRequest,
} from './payment.requests.js';
import { PaymentService } from './payment.service.js';
import { RefundService } from './refund.service.js';

const id = { schema: z.uuid() };
/** A merchant sees every payment, anyone else their own. */
const visibleTo = ({ accountId, roles }: AccountClaims) => (roles.includes('merchant') ? undefined : accountId);

@Controller('payments')
export class PaymentController {
  constructor(
    private readonly db: Database,
    private readonly payments: PaymentService,
    private readonly refunds: RefundService,
    private readonly ledger: LedgerService,
    private readonly idempotency: Idempotency,
  ) {}

  /** An order has at most one payment, so there is never a next page. */
  @Get()
  @Answers(200, pageOf(paymentView))
  async list(@Query({ schema: paymentsQuery }) { orderId }: PaymentsQuery, @Account() account: AccountClaims) {
    const payments = await this.payments.find({ orderId }, visibleTo(account));
    return { items: payments.map(view), nextCursor: null };
  }

  @Get('ledger')
  @Answers(200, ledgerView)
  @Roles('merchant')
  balances() {
    return this.ledger.balances();
  }

  @Get(':id')
  @Answers(200, paymentView, [errors.NOT_FOUND])
  async one(@Param('id', id) paymentId: string, @Account() account: AccountClaims) {
    const [payment] = await this.payments.find({ id: paymentId }, visibleTo(account));
    if (!payment) throw errors.NOT_FOUND(paymentId);
    return view(payment);
  }

  @Post(':id/refunds')
  @Answers(201, refundView, [errors.NOT_FOUND, errors.REFUND_EXCEEDS_CAPTURE, errors.CURRENCY_MISMATCH])
  @Roles('merchant')
  refund(
    @Param('id', id) paymentId: string,
    @Body({ schema: refundRequest }) { amount }: RefundRequest,
    @IdempotencyKey() request: IdempotentRequest,
  ) {
    return this.db.transaction((tx) =>
      this.idempotency.run(tx, request, async () => {
        const { id: refundId, status } = await this.refunds.book(tx, paymentId, amount);
        return { status: 201, body: { refundId, status } };
      }),
    );
  }
}
