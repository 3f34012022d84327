import { Module } from '@nestjs/common';
import { LedgerService } from './ledger.service.js';
import { PaymentConsumers } from './payment.consumers.js';
import { PaymentController } from './payment.controller.js';
import { PaymentProvider } from './payment.provider.js';
import { PaymentService } from './payment.service.js';
import { PaymentWorkers } from './payment.workers.js';
import { PspProvider } from './psp.provider.js';
import { RefundService } from './refund.service.js';

@Module({
  controllers: [PaymentController],
  providers: [
    LedgerService,
    PaymentService,
    RefundService,
    PaymentConsumers,
    PaymentWorkers,
    { provide: PaymentProvider, useClass: PspProvider },
  ],
})
export class PaymentModule {}
