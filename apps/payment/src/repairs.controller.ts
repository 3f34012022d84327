import type { Tx } from '@ballast/database';
import { Answers, Audited, OpsController, type AuditedWrite } from '@ballast/service';
import { Body, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { PaymentRepairs, type Repaired } from './payment.repairs.js';

const repaired = z.object({ done: z.boolean(), because: z.string().optional() });
const id = { schema: z.uuid() };
/** What the caller believes is left of the capture, in minor units. */
const refund = z.object({ left: z.int().min(1).max(Number.MAX_SAFE_INTEGER) });

/** What payment does about a difference: docs/guides/reconciliation.md. Safe to ask for twice. */
@OpsController('repairs')
export class RepairsController {
  constructor(private readonly repairs: PaymentRepairs) {}

  /** Books a capture that the processor's settlement has and payment has not. */
  @Post('payments/:id/captures')
  @HttpCode(200)
  @Answers(200, repaired)
  async capture(@Param('id', id) id: string, @Audited() write: AuditedWrite): Promise<Repaired> {
    if (!(await this.repairs.wasCaptured(id)))
      return { done: false, because: 'the processor’s books do not have it, or not as it should be' };
    return this.repair(write, { paymentId: id }, (tx) => this.repairs.capture(tx, id));
  }

  /** Gives back what is left of a capture: of an order that was rejected. */
  @Post('payments/:id/refunds')
  @HttpCode(200)
  @Answers(200, repaired)
  giveBack(@Param('id', id) id: string, @Body({ schema: refund }) { left }: z.output<typeof refund>, @Audited() write: AuditedWrite) {
    return this.repair(write, { paymentId: id, left }, (tx) => this.repairs.giveBack(tx, id, left));
  }

  /** Tells the processor to let go of money it holds. */
  @Post('payments/:id/voids')
  @HttpCode(200)
  @Answers(200, repaired)
  letGo(@Param('id', id) id: string, @Audited() write: AuditedWrite) {
    return this.repair(write, { paymentId: id }, (tx) => this.repairs.letGo(tx, id));
  }

  /** Books what is missing of it in the ledger. */
  @Post('payments/:id/bookings')
  @HttpCode(200)
  @Answers(200, repaired)
  book(@Param('id', id) id: string, @Audited() write: AuditedWrite) {
    return this.repair(write, { paymentId: id }, (tx) => this.repairs.book(tx, id));
  }

  /** Tells the processor of a refund again. */
  @Post('refunds/:id/attempts')
  @HttpCode(200)
  @Answers(200, repaired)
  tellAgain(@Param('id', id) id: string, @Audited() write: AuditedWrite) {
    return this.repair(write, { refundId: id }, (tx) => this.repairs.tellAgain(tx, id));
  }

  private repair(write: AuditedWrite, what: object, work: (tx: Tx) => Promise<Repaired>): Promise<Repaired> {
    return write.run(async (tx, note) => {
      const answer = await work(tx);
      note({ ...what, ...answer });
      return answer;
    });
  }
}
