import { intent } from '@ballast/messaging';
import { z } from 'zod';

const ofPayment = z.object({ paymentId: z.uuid() });

/** What is to be asked of the processor, written in the transaction that decides it and performed outside of any. */
export const authoriseAtProvider = intent('payment.authorise', ofPayment);
export const voidAtProvider = intent('payment.void', ofPayment);
export const captureAtProvider = intent('payment.capture', ofPayment);
export const refundAtProvider = intent('payment.refund', z.object({ refundId: z.uuid() }));
