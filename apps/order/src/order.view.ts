import { lineItem, money } from '@ballast/contracts';
import { Database } from '@ballast/database';
import { Sagas, type SagaNews, type TimelineEntry } from '@ballast/saga';
import { pageOf } from '@ballast/service';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Order } from './order.entity.js';

/** One line of an order's history, as the buyer sees it. */
export const historyEntry = z.object({ step: z.string(), outcome: z.string(), at: z.iso.datetime() });

export const historyLine = ({ step, outcome, at }: TimelineEntry): z.output<typeof historyEntry> => ({
  step,
  outcome,
  at: at.toISOString(),
});

/** An order as its buyer sees it, with its saga's history. */
export const orderView = z.object({
  orderId: z.uuid(),
  status: z.enum(['PENDING', 'CONFIRMED', 'REJECTED']),
  /** Why it was rejected, or `STUCK`; `ABANDONED`: an operator ended a checkout that could neither go on nor back. */
  reason: z.string().optional(),
  items: z.array(lineItem),
  total: money,
  createdAt: z.iso.datetime(),
  history: z.array(historyEntry),
});
export type OrderView = z.output<typeof orderView>;

export const orderList = pageOf(orderView);
export type OrderList = z.output<typeof orderList>;

/** Puts orders and their sagas together: two queries for any number of orders. */
@Injectable()
export class OrderViews {
  constructor(
    private readonly db: Database,
    private readonly sagas: Sagas,
  ) {}

  /** An order's history after entry number `after`. */
  async historyAfter(orderId: string, after: number): Promise<SagaNews['entries']> {
    return (await this.sagas.news(this.db.primary, new Map([[orderId, after]]))).get(orderId)?.entries ?? [];
  }

  async of(orders: readonly Order[]): Promise<OrderView[]> {
    const ids = orders.map((order) => order.id);
    const [timelines, sagas] = await Promise.all([this.sagas.timelines(this.db.primary, ids), this.sagas.findAll(this.db.primary, ids)]);
    return orders.map((order) => {
      const reason = order.reason ?? (sagas.get(order.id)?.status === 'STUCK' ? 'STUCK' : undefined);
      return {
        orderId: order.id,
        status: order.status,
        ...(reason && { reason }),
        items: order.items,
        total: order.total,
        createdAt: order.createdAt.toISOString(),
        history: (timelines.get(order.id) ?? []).map(historyLine),
      };
    });
  }
}
