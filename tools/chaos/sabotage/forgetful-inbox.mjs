// The inbox forgets a message as soon as it comes again: it has its effect again.
import { Effects } from '../../../libs/messaging/dist/effects.js';

const { claim } = Effects.prototype;
Effects.prototype.claim = async function (tx, items) {
  await tx.query('DELETE FROM inbox WHERE message_id = ANY ($1)', [items.flatMap(({ envelope }) => envelope?.id ?? [])]);
  return claim.call(this, tx, items);
};
