import { defineErrors } from '@ballast/service';

export const errors = defineErrors('PRODUCT', {
  NOT_FOUND: [404, 'There is no product %s'],
  STOCK_BELOW_RESERVED: [409, 'Product %s has %s pieces reserved: its stock cannot be set below that'],
});
