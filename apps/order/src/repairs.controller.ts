import { Answers, Audited, OpsController, type AuditedWrite } from '@ballast/service';
import { HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { OrderService } from './order.service.js';

const repaired = z.object({ done: z.boolean(), because: z.string().optional() });

/** What order does about a difference: docs/guides/reconciliation.md. Safe to ask for twice. */
@OpsController('repairs')
export class RepairsController {
  constructor(private readonly orders: OrderService) {}

  /** Publishes again how the order ended. Whoever has heard of it does nothing. */
  @Post('orders/:id/announcements')
  @HttpCode(200)
  @Answers(200, repaired)
  announce(@Param('id', { schema: z.uuid() }) id: string, @Audited() write: AuditedWrite) {
    return write.run(async (tx, note) => {
      const done = await this.orders.announce(tx, id);
      note({ orderId: id, done });
      return done ? { done } : { done, because: 'the order is unknown or has not ended' };
    });
  }
}
