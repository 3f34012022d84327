import { Database } from '@ballast/database';
import { Account, type AccountClaims, Idempotency, IdempotencyKey, type IdempotentRequest, Roles } from '@ballast/service';
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { LedgerService } from './ledger.service.js';
import { errors } from './payment.errors.js';
import { paymentsQuery, refundRequest, view, type PaymentsQuery, type RefundRequest } from './payment.requests.js';
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
  async list(@Query({ schema: paymentsQuery }) { orderId }: PaymentsQuery, @Account() account: AccountClaims) {
    const payments = await this.payments.find({ orderId }, visibleTo(account));
    return { items: payments.map(view), nextCursor: null };
  }

  @Get('ledger')
  @Roles('merchant')
  balances() {
    return this.ledger.balances();
  }

  @Get(':id')
  async one(@Param('id', id) paymentId: string, @Account() account: AccountClaims) {
    const [payment] = await this.payments.find({ id: paymentId }, visibleTo(account));
    if (!payment) throw errors.NOT_FOUND(paymentId);
    return view(payment);
  }

  @Post(':id/refunds')
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
