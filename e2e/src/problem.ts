import assert from 'node:assert/strict';
import type { Answer } from './shop.js';

const MEMBERS = ['type', 'title', 'detail', 'code', 'instance', 'traceId'] as const;

/** What is wrong with an error as an answer of the contract (RFC 9457, a stable code, the trace it happened in); empty when nothing is. */
export function problemFaults({ status, body, headers }: Answer<unknown>): string[] {
  const faults: string[] = [];
  const document = (body ?? {}) as Record<string, unknown>;
  if (status < 400 || status >= 500) faults.push(`status ${status} is none of a caller's mistakes`);
  if (!headers.get('content-type')?.startsWith('application/problem+json')) faults.push(`content type ${headers.get('content-type')}`);
  for (const member of MEMBERS) if (typeof document[member] !== 'string') faults.push(`member ${member} is ${typeof document[member]}`);
  if (document['status'] !== status) faults.push(`member status is ${String(document['status'])}, the answer's is ${status}`);
  if (!/^[A-Z][A-Z0-9_]+$/.test(String(document['code']))) faults.push(`code ${String(document['code'])}`);
  if (!/^[0-9a-f]{32}$/.test(String(document['traceId']))) faults.push(`traceId ${String(document['traceId'])}`);
  if (!headers.get('traceparent')?.includes(String(document['traceId']))) faults.push(`traceparent ${headers.get('traceparent')}`);
  return faults;
}

/** An error of the contract with one of these codes, as `400 VALIDATION_FAILED`. */
export function expectProblem(answer: Answer<unknown>, ...expected: string[]): void {
  const { code } = (answer.body ?? {}) as { code?: string };
  assert(expected.includes(`${answer.status} ${code}`), `${answer.status} ${code} instead of ${expected.join(' or ')}`);
  assert.deepEqual(problemFaults(answer), []);
}
