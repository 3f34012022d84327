import type { QueryRunner } from 'typeorm';

/**
 * `CREATE INDEX CONCURRENTLY name ON definition`, in a migration with `transaction = false`; it may be run twice. `IF NOT EXISTS` alone may
 * not: an attempt that was cut off leaves an index that no query uses, and that name would then be taken for good.
 */
export async function createIndexConcurrently(runner: QueryRunner, name: string, definition: string): Promise<void> {
  const cutOff = (await runner.query('SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid', [name])) as unknown[];
  if (cutOff.length) await runner.query(`DROP INDEX CONCURRENTLY ${name}`);
  await runner.query(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${name} ON ${definition}`);
}
