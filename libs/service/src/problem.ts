import { STATUS_CODES } from 'node:http';

/** An error a caller may see, as RFC 9457 problem details. Branch on `code`, never on the text. */
export class ProblemError extends Error {
  /** Response headers such as `retry-after`. */
  readonly headers: Record<string, string> = {};
  /** Extension members of the problem document. */
  readonly members: Record<string, unknown> = {};

  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
    this.name = 'ProblemError';
  }

  /** Adds members to the document, for example the `orderId` a caller can go on with. */
  with(members: Record<string, unknown>): this {
    Object.assign(this.members, members);
    return this;
  }

  header(name: string, value: string): this {
    this.headers[name.toLowerCase()] = value;
    return this;
  }

  /** Tells the caller to come again after so many seconds. */
  retryAfter(seconds: number): this {
    return this.header('retry-after', String(Math.max(1, Math.ceil(seconds))));
  }
}

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  instance: string;
  traceId: string;
  [member: string]: unknown;
}

/** The document a caller gets. */
export function problemDocument(error: ProblemError, instance: string, traceId: string): ProblemDocument {
  return {
    ...error.members,
    type: typeOf(error.code),
    title: titleOf(error.code),
    status: error.status,
    detail: error.detail,
    code: error.code,
    instance,
    traceId,
  };
}

const typeOf = (code: string): string => `urn:ballast:problem:${code.toLowerCase().replaceAll('_', '-')}`;
const titleOf = (code: string): string => code.charAt(0) + code.slice(1).toLowerCase().replaceAll('_', ' ');

type Definition = readonly [status: number, detail: string];
type Arguments<Text extends string> = Text extends `${string}%s${infer Rest}` ? [value: string | number, ...Arguments<Rest>] : [];
export type Errors<D extends Record<string, Definition>> = { readonly [K in keyof D]: (...values: Arguments<D[K][1]>) => ProblemError };

const registry = new Map<string, { status: number; detail: string }>();

/**
 * Declares the errors of a service once: `PREFIX_NAME` is the stable code, the text has one `%s` per argument.
 *
 *     export const errors = defineErrors('CART', { UNKNOWN_SKU: [404, 'There is no product %s'] });
 *     throw errors.UNKNOWN_SKU(sku);
 *
 * A code declared twice with another meaning is a `TypeError`. An empty prefix is the platform's own.
 */
export function defineErrors<const D extends Record<string, Definition>>(prefix: string, definitions: D): Errors<D> {
  const makers = Object.entries(definitions).map(([name, [status, detail]]) => {
    const code = prefix ? `${prefix}_${name}` : name;
    if (!STATUS_CODES[status] || status < 400) throw new TypeError(`${code}: ${status} is not an HTTP error status`);
    const known = registry.get(code);
    if (known && (known.status !== status || known.detail !== detail)) throw new TypeError(`${code} is declared twice`);
    registry.set(code, { status, detail });
    return [name, (...values: (string | number)[]) => new ProblemError(code, status, fill(detail, values))];
  });
  return Object.fromEntries(makers) as Errors<D>;
}

function fill(text: string, values: readonly (string | number)[]): string {
  let next = 0;
  return text.replace(/%s/g, () => String(values[next++]));
}

/** Every code declared so far, as the Markdown table of `docs/errors.md`, its columns aligned. */
export function errorTable(): string {
  const codes = [...registry].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = codes.map(([code, e]) => [`\`${code}\``, String(e.status), e.detail.replaceAll('%s', '…')]);
  const head = ['code', 'status', 'meaning'];
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const line = (cells: string[], fill = ' ') => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!, fill)).join(' | ')} |`;
  return [line(head), line(['', '', ''], '-'), ...rows.map((row) => line(row))].join('\n');
}
