import { defineErrors } from '@ballast/service';

export const errors = defineErrors('CART', {
  EMPTY: [409, 'The cart has no items'],
  CHECKING_OUT: [409, 'The cart is being checked out as order %s'],
  UNKNOWN_SKU: [404, 'There is no product %s'],
  CURRENCY_MISMATCH: [409, 'Product %s is not sold in the currency of the cart'],
  FULL: [409, 'A cart takes at most %s different products'],
});
