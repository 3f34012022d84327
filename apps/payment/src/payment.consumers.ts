import { authorisePayment, capturePayment, voidPayment } from '@ballast/contracts';
import type { Tx } from '@ballast/database';
import type { CommandOf } from '@ballast/message';
import { Consume } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { PaymentService } from './payment.service.js';

@Injectable()
export class PaymentConsumers {
  constructor(private readonly payments: PaymentService) {}

  @Consume(authorisePayment)
  authorise({ payload }: CommandOf<typeof authorisePayment>, tx: Tx) {
    return this.payments.authorise(tx, payload);
  }

  @Consume(voidPayment)
  void({ payload }: CommandOf<typeof voidPayment>, tx: Tx) {
    return this.payments.void(tx, payload);
  }

  @Consume(capturePayment)
  capture({ payload }: CommandOf<typeof capturePayment>, tx: Tx) {
    return this.payments.capture(tx, payload);
  }
}
