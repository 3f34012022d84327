import { defineErrors } from '@ballast/service';

export const errors = defineErrors('PSP', {
  API_KEY_REQUIRED: [401, 'The header X-Api-Key is missing or wrong'],
  KEY_REQUIRED: [400, 'The header Idempotency-Key is missing or longer than 200 characters'],
  KEY_UNKNOWN: [404, 'No operation has the key %s'],
  KEY_REUSED: [422, 'The key %s was used with another request'],
  INTERNAL: [500, 'The processor failed before it did anything; the same key may be sent again'],
});
