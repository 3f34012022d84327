import { counter } from '@ballast/tracing';
import { Injectable, type OnModuleInit } from '@nestjs/common';

const accepted = () =>
  counter('ballast_checkouts_accepted_total', 'Checkouts that were accepted: each is one order, however often it was asked for');

export const countAccepted = (): void => accepted().inc();

/** Begins at 0, so that the very first is seen. Together with order's `ballast_checkout_duration_seconds` it tells who still waits. */
@Injectable()
export class CartMetrics implements OnModuleInit {
  onModuleInit(): void {
    accepted().inc(0);
  }
}
