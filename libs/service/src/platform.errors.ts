import { defineErrors } from './problem.js';

export { problemDocument } from './problem.js';

/** What any service may answer, whatever it does. */
export const platformErrors = defineErrors('', {
  BAD_REQUEST: [400, 'The request is malformed'],
  INVALID_JSON: [400, 'The body is not JSON this service accepts'],
  VALIDATION_FAILED: [400, 'The request does not fit its schema'],
  IDEMPOTENCY_KEY_REQUIRED: [400, 'The header Idempotency-Key is required here'],
  IDEMPOTENCY_KEY_INVALID: [400, 'Idempotency-Key must be 1 to 255 visible ASCII characters'],
  UNAUTHENTICATED: [401, 'A valid access token is required'],
  FORBIDDEN: [403, 'This account may not do that'],
  NOT_FOUND: [404, 'There is no such thing'],
  ROUTE_NOT_FOUND: [404, 'There is no such route'],
  METHOD_NOT_ALLOWED: [405, 'This route does not take that method'],
  REQUEST_TIMEOUT: [408, 'The request did not arrive in time'],
  CONFLICT: [409, 'The request does not fit the present state'],
  IDEMPOTENCY_KEY_IN_USE: [409, 'A request with this Idempotency-Key is still running'],
  PAYLOAD_TOO_LARGE: [413, 'The body is larger than 100 KB'],
  URI_TOO_LONG: [414, 'The path is too long'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'Send application/json'],
  IDEMPOTENCY_KEY_REUSED: [422, 'This Idempotency-Key came with another body before'],
  TOO_MANY_REQUESTS: [429, 'Too many requests, come again later'],
  HEADERS_TOO_LARGE: [431, 'The request headers are too large'],
  INTERNAL: [500, 'Something went wrong here; the traceId finds it in the logs'],
  UNAVAILABLE: [503, 'Something this request needs is away for now'],
  OVERLOADED: [503, 'Too busy to take this request now'],
  TOKEN_KEYS_UNAVAILABLE: [503, 'The keys that check access tokens cannot be had right now'],
  OUTCOME_UNKNOWN: [
    503,
    'The request may or may not have taken effect: send it again with the same Idempotency-Key, or look before you repeat it',
  ],
});
