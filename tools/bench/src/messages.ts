import type { Database } from '@ballast/database';
import { event } from '@ballast/message';
import type { Outbox } from '@ballast/messaging';
import { z } from 'zod';

/** About 350 bytes on the wire with its headers, as the shop's events are. */
export const changed = event('bench.changed.v1', {
  key: (p) => p.account,
  payload: z.object({ account: z.string(), n: z.number(), due: z.number(), note: z.string() }),
});
export const NOTE = 'a business event of usual size: ids, an amount, a reason and nothing personal';

/** How the library's adapter consumes. */
export const FETCH = { sessionTimeout: 6_000, heartbeatInterval: 1_000, rebalanceTimeout: 6_000, maxWaitTimeInMs: 500 };

/** Rows as `outbox.add` writes them, made by the database itself: many at once. */
const FILL = `
INSERT INTO outbox (id, topic, key, headers, payload)
SELECT nextval('outbox_id_seq'), $2, 'account-' || n % 1000,
  jsonb_build_object('ce_specversion', '1.0', 'ce_id', gen_random_uuid(), 'ce_source', '/ballast/bench', 'ce_type', 'bench.changed.v1',
    'ce_time', '2026-01-01T00:00:00.000Z', 'content-type', 'application/json',
    'traceparent', '00-' || md5(n::text) || '-' || left(md5((-n)::text), 16) || '-01'),
  json_build_object('account', 'account-' || n % 1000, 'n', n, 'due', 0, 'note', $3::text)
FROM generate_series(1, $1::int) AS n`;

/** Makes so many rows visible at once. The last one is written as a service adds it, so that the commit wakes the relays. */
export async function commitBacklog({ database, outbox }: { database: Database; outbox: Outbox }, rows: number): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query(FILL, [rows - 1, changed.topic, NOTE]);
    await outbox.add(tx, changed({ account: 'account-0', n: 0, due: 0, note: NOTE }));
  });
}
