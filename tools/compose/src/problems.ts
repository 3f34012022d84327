import { platformErrors, problemDocument } from '@ballast/service/platform-errors';

/** What the gateway answers by itself. Whether a request that got no answer took effect is not known, so 502 and 504 say that. */
const answers = [
  ['400', 'BAD_REQUEST'],
  ['404', 'ROUTE_NOT_FOUND'],
  ['408', 'REQUEST_TIMEOUT'],
  ['413', 'PAYLOAD_TOO_LARGE'],
  ['429', 'TOO_MANY_REQUESTS', '10'],
  ['502', 'OUTCOME_UNKNOWN', '1'],
  ['503', 'UNAVAILABLE', '1'],
  ['504', 'OUTCOME_UNKNOWN', '1'],
] as const;

/** HAProxy's own answers, as the problems of the HTTP contract. `%[…]` is filled in by HAProxy for each request. */
export function renderProblems(): string {
  const lines = answers.map(([status, code, retryAfter]) => {
    const document = problemDocument(platformErrors[code](), '%[var(txn.path),json(utf8s)]', '%[var(txn.trace)]');
    const hint = retryAfter ? ` hdr retry-after ${retryAfter}` : '';
    return `  http-error status ${status} content-type application/problem+json lf-string '${JSON.stringify(document)}'${hint}\n`;
  });
  return `defaults problems from http\n${lines.join('')}`;
}
