import { histogram } from '@ballast/tracing';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { OrderStatus } from './order.entity.js';
import { acceptedAt } from './order.id.js';

/** 10 s is the promise that alerts watch (infra/prometheus/rules/checkout.yml). */
const BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

const duration = () =>
  histogram('ballast_checkout_duration_seconds', 'From the answer 202 to an order that is final', ['outcome'], BUCKETS);

/** As its buyer waits for it: from the moment cart made the id, however late this service heard of it. */
export function observeFinal(orderId: string, outcome: OrderStatus, now = Date.now()): void {
  duration().observe({ outcome }, Math.max(0, now - acceptedAt(orderId)) / 1000);
}

/** Begins at 0, so that the very first is seen. */
@Injectable()
export class OrderMetrics implements OnModuleInit {
  onModuleInit(): void {
    for (const outcome of ['CONFIRMED', 'REJECTED']) duration().zero({ outcome });
  }
}
