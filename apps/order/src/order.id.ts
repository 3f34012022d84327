/** How long an accepted checkout may be on its way before its order is expected to be known. */
const ARRIVES_WITHIN = 5 * 60_000;

/**
 * Whether an order with this id (UUIDv7) may still be on its way: cart makes the id and answers before order hears of it.
 * It says nothing about whose it is, so a foreign id is answered the same.
 */
export function mayArriveYet(id: string, now: number): boolean {
  const age = now - acceptedAt(id);
  return Math.abs(age) < ARRIVES_WITHIN;
}

/**
 * When the checkout was accepted, in milliseconds since 1970, by cart's clock: the time in a UUIDv7, its first 48 bits (RFC 9562).
 * Of another version: 0, never young.
 */
export function acceptedAt(id: string): number {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : 0;
}
