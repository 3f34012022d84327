import { Module } from '@nestjs/common';
import { BooksController } from './books.controller.js';
import { LedgerService } from './ledger.service.js';
import { PaymentBooks } from './payment.books.js';
import { SqlLedgerStore } from './ledger.store.js';
import { PaymentConsumers } from './payment.consumers.js';
import { PaymentController } from './payment.controller.js';
import { PaymentProvider } from './payment.provider.js';
import { PaymentRepairs } from './payment.repairs.js';
import { PaymentService } from './payment.service.js';
import { SqlPaymentStore } from './payment.store.js';
import { PaymentWorkers } from './payment.workers.js';
import { PspProvider } from './psp.provider.js';
import { PspSettlement } from './psp.settlement.js';
import { ReconciliationController } from './reconciliation.controller.js';
import { ReconciliationMetrics } from './reconciliation.metrics.js';
import { ReconciliationRegister } from './reconciliation.register.js';
import { RefundService } from './refund.service.js';
import { RepairsController } from './repairs.controller.js';
import { SqlRefundStore } from './refund.store.js';

@Module({
  controllers: [PaymentController, BooksController, RepairsController, ReconciliationController],
  providers: [
    SqlPaymentStore,
    SqlRefundStore,
    SqlLedgerStore,
    LedgerService,
    PaymentService,
    RefundService,
    PaymentConsumers,
    PaymentWorkers,
    PaymentBooks,
    PaymentRepairs,
    PspSettlement,
    ReconciliationRegister,
    ReconciliationMetrics,
    { provide: PaymentProvider, useClass: PspProvider },
  ],
})
export class PaymentModule {}
