import { createHash } from 'node:crypto';

const names = new Map<string, string>();

/**
 * Has Postgres parse this text once per connection, and plan it seldom, instead of at each execution: planning one of the outbox's statements
 * takes longer than running it. For few texts that are run all the time, since each connection keeps what was made of each. A LIMIT is better
 * written out in it than given: a plan that does not know it may sort all rows for the sake of a few.
 *
 *     const LOCK = prepared(`SELECT state FROM saga WHERE id = $1 FOR UPDATE`);
 *     await tx.query(LOCK, [id]);
 */
export function prepared(sql: string): string {
  if (!names.has(sql)) names.set(sql, `${gist(sql)} ${createHash('sha256').update(sql).digest('hex').slice(0, 12)}`);
  return sql;
}

/** `UPDATE intent`: traces show a statement by its name. Postgres takes 63 characters. */
function gist(sql: string): string {
  const [, verb, table] = /(?<!FOR )\b(INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)/.exec(sql) ?? /\b(FROM)\s+(\w+)/.exec(sql) ?? [];
  return `${verb === undefined || verb === 'FROM' ? 'SELECT' : verb.split(' ')[0]!} ${table ?? ''}`.trim().slice(0, 50);
}

/** The name it has on a connection; undefined for what is parsed each time. */
export const preparedAs = (sql: unknown): string | undefined => (typeof sql === 'string' ? names.get(sql) : undefined);
