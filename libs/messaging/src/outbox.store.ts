import { hash } from 'node:crypto';
import { prepared, type Tx, withCommit } from '@ballast/database';
import type { WireRecord } from '@ballast/message';

/** The writing side of the outbox table, inside the caller's transaction. */
export interface OutboxStore {
  /** Stores the records in the given order, with the transaction's COMMIT. Two transactions that share a key do it one after the other, until the commit of the first. */
  append(tx: Tx, records: readonly WireRecord[]): Promise<void>;
}

/**
 * One statement. The materialised CTE takes the locks, in the order of the array; the rows are joined to its one row, so `nextval`
 * cannot run before every lock is held, and the sub-select's ORDER BY makes the ids follow the order of `add`. The plan is asserted
 * in test/outbox.int.spec.ts. A lock that is waited for is safe here, since the statement reads no table its snapshot could be too old for.
 */
export const APPEND = prepared(`
WITH locked AS MATERIALIZED (
  SELECT count(pg_advisory_xact_lock(key_hash)) AS keys FROM unnest($1::bigint[]) AS key_hash
)
INSERT INTO outbox (id, topic, key, headers, payload)
SELECT nextval('outbox_id_seq'), topic, key, headers, payload
FROM (
  SELECT r.topic, r.key, r.headers, r.payload
  FROM locked CROSS JOIN unnest($2::text[], $3::text[], $4::jsonb[], $5::text[]) WITH ORDINALITY AS r (topic, key, headers, payload, place)
  WHERE locked.keys > 0
  ORDER BY r.place
) AS records`);

/** The same for one record, as most transactions write: without arrays to take apart. */
export const APPEND_ONE = prepared(`
WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock($1::bigint) AS key)
INSERT INTO outbox (id, topic, key, headers, payload) SELECT nextval('outbox_id_seq'), $2::text, $3::text, $4::jsonb, $5::text FROM locked`);

export function appending(records: readonly WireRecord[]): [text: string, values: unknown[]] {
  const [first, ...more] = records;
  if (first && !more.length)
    return [APPEND_ONE, [lockKeys(records)[0], first.topic, first.key, JSON.stringify(first.headers), first.value]];
  const column = (of: (record: WireRecord) => string) => records.map(of);
  return [
    APPEND,
    [
      lockKeys(records),
      ...[column((r) => r.topic), column((r) => r.key), column((r) => JSON.stringify(r.headers)), column((r) => r.value)],
    ],
  ];
}

export const sqlOutboxStore: OutboxStore = {
  append: (tx, records) => Promise.resolve(withCommit(tx, ...appending(records))),
};

/** 64-bit lock numbers of the distinct keys, in ascending order: two transactions that share several keys cannot deadlock. */
export function lockKeys(records: readonly WireRecord[]): string[] {
  const hashes = new Set(records.map(({ topic, key }) => hash('sha256', `outbox\0${topic}\0${key}`, 'buffer').readBigInt64BE()));
  return [...hashes].sort((a, b) => (a < b ? -1 : 1)).map(String);
}
