import type { Tx } from '@ballast/database';
import { Answers, Audited, OpsController, type AuditedWrite } from '@ballast/service';
import { Body, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { sku as skuFormat } from './product.schema.js';
import { ReservationService } from './reservation.service.js';
import { StockRepairs } from './stock.repairs.js';

const repaired = z.object({ done: z.boolean(), because: z.string().optional() });
type Repaired = z.output<typeof repaired>;
const orderId = { schema: z.uuid() };
const sku = { schema: skuFormat };
const counted = z.object({ quantity: z.int().min(-1_000_000).max(1_000_000), reason: z.string().min(1).max(200) });

/** What inventory does about a difference: docs/guides/reconciliation.md. Safe to ask for twice, but for a count. */
@OpsController('repairs')
export class RepairsController {
  constructor(
    private readonly reservations: ReservationService,
    private readonly stock: StockRepairs,
  ) {}

  @Post('reservations/:orderId/releases')
  @HttpCode(200)
  @Answers(200, repaired)
  release(@Param('orderId', orderId) orderId: string, @Audited() write: AuditedWrite) {
    return this.repair(write, { orderId }, async (tx) => outcomeOf(await this.reservations.release(tx, orderId)));
  }

  @Post('reservations/:orderId/commits')
  @HttpCode(200)
  @Answers(200, repaired)
  commit(@Param('orderId', orderId) orderId: string, @Audited() write: AuditedWrite) {
    return this.repair(write, { orderId }, async (tx) => outcomeOf(await this.reservations.commit(tx, orderId)));
  }

  /** Puts back on the shelf what a rejected order took. */
  @Post('reservations/:orderId/returns')
  @HttpCode(200)
  @Answers(200, repaired)
  giveBack(@Param('orderId', orderId) orderId: string, @Audited() write: AuditedWrite) {
    return this.repair(write, { orderId }, async (tx) => told(await this.stock.giveBack(tx, orderId), 'nothing of it was taken'));
  }

  /** Sets what a product counts as reserved to what is held of it. */
  @Post('products/:sku/recounts')
  @HttpCode(200)
  @Answers(200, repaired)
  recount(@Param('sku', sku) sku: string, @Audited() write: AuditedWrite) {
    return this.repair(write, { sku }, async (tx) => told(await this.stock.recount(tx, sku), 'it was right'));
  }

  /** By hand: somebody has counted the shelf and found so many pieces more (or fewer) than the books explain. */
  @Post('products/:sku/counts')
  @HttpCode(200)
  @Answers(200, repaired)
  count(
    @Param('sku', sku) sku: string,
    @Body({ schema: counted }) { quantity, reason }: z.output<typeof counted>,
    @Audited() write: AuditedWrite,
  ) {
    return this.repair(write, { sku, quantity, reason }, async (tx) =>
      told(await this.stock.count(tx, sku, quantity), 'there is no such product'),
    );
  }

  private repair(write: AuditedWrite, what: object, work: (tx: Tx) => Promise<Repaired>): Promise<Repaired> {
    return write.run(async (tx, note) => {
      const answer = await work(tx);
      note({ ...what, ...answer });
      return answer;
    });
  }
}

const told = (done: boolean, because: string): Repaired => (done ? { done } : { done, because });
/** A command's own answer: nothing, or why it refuses. */
const outcomeOf = (answer: { code?: string }): Repaired => told(answer.code === undefined, answer.code ?? '');
