import { defineErrors } from '@ballast/service';

export const errors = defineErrors('ORDER', {
  NOT_FOUND: [404, 'There is no order %s of yours'],
});
