import { defineErrors } from '@ballast/service';

export const errors = defineErrors('AUTH', {
  INVALID_CREDENTIALS: [401, 'E-mail or password is wrong'],
  INVALID_REFRESH_TOKEN: [401, 'This refresh token is not valid, or not any more: sign in again'],
  ACCOUNT_NOT_FOUND: [404, 'This account does not exist any more'],
  EMAIL_TAKEN: [409, 'There is an account with this e-mail address'],
  TOO_MANY_ATTEMPTS: [429, 'Too many failed attempts from here, come again later'],
});
