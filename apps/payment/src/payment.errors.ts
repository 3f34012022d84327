import { defineErrors } from '@ballast/service';

export const errors = defineErrors('PAYMENT', {
  NOT_FOUND: [404, 'There is no payment %s'],
  REFUND_EXCEEDS_CAPTURE: [409, 'Payment %s has only %s left to give back'],
  CURRENCY_MISMATCH: [409, 'Payment %s was made in %s'],
});
