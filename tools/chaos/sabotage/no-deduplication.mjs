// The inbox takes every message for a new one: what comes again has its effect again.
import { Effects } from '../../../libs/messaging/dist/effects.js';

const { claim } = Effects.prototype;
Effects.prototype.claim = async function (tx, items) {
  const claimed = await claim.call(this, tx, items);
  return { ...claimed, fresh: new Set(items.flatMap(({ envelope }) => envelope?.id ?? [])) };
};
