/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

const SECRET_WORDS =
  /password|passwd|passphrase|pwd|secret|token|authorization|cookie|apikey|privatekey|credential|cardnumber|accountnumber|email|mailaddress/;
const SECRET_NAMES = new Set(['pass', 'pan', 'cvc', 'cvv', 'iban', 'pin', 'otp', 'jwt', 'bearer', 'mail']);
const MAX_DEPTH = 8;

/** Whether a field of this name may hold a secret or personal data, however it is spelled (`refresh_token`, `X-Api-Key`). */
export function isSecretKey(key: string): boolean {
  const name = key.toLowerCase().replace(/[^a-z0-9]/g, '');
  return SECRET_NAMES.has(name) || SECRET_WORDS.test(name);
}

/** A copy of `value` with secret fields replaced at every depth. Errors become plain objects; cycles and depth are cut. */
export function redact(value: unknown, seen: readonly object[] = []): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (seen.includes(value)) return '[circular]';
  if (seen.length >= MAX_DEPTH) return '[too deep]';
  const path = [...seen, value];
  if (value instanceof Error) return describeError(value, path);
  if (Array.isArray(value)) return value.map((item) => redact(item, path));
  if (value instanceof Map) return redact(Object.fromEntries(value), path);
  if (value instanceof Set) return redact([...value], path);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (hasToJson(value)) return redact(value.toJSON(), path);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, isSecretKey(key) ? REDACTED : redact(item, path)]));
}

/**
 * An error as plain data: its name, code, message, stack and causes only. Its other fields are left out, since drivers and
 * HTTP clients keep query parameters, request bodies and headers there.
 */
function describeError(error: Error, path: readonly object[]): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    type: name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(stack && { stack }),
    ...(cause !== undefined && { cause: redact(cause, path) }),
    ...(error instanceof AggregateError && { errors: redact(error.errors, path) }),
  };
}

const PATTERNS: readonly [RegExp, string][] = [
  [/(:\/\/[^\s:/@"]*):[^\s/@"]+@/g, `$1:${REDACTED}@`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, REDACTED],
];

/** Text without what looks like an e-mail address, a bearer token, a JWT or a password in a URL: the last net under `redact`. */
export function scrub(text: string): string {
  return PATTERNS.reduce((line, [pattern, replacement]) => line.replace(pattern, replacement), text);
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}
