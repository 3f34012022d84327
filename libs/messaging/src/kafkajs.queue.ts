import { createRequire } from 'node:module';

interface Queue {
  pending: readonly unknown[];
}

/** kafkajs has no types for its inner parts. */
const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
  prototype: { scheduleCheckPendingRequests(this: Queue): void };
};
const schedule = prototype.scheduleCheckPendingRequests;

/**
 * kafkajs 2.2.4 looks every millisecond, on every connection and as long as it lives, whether a request waits to be sent: a few percent of a
 * core for each idle process, and `TimeoutNegativeWarning` on Node 24 (tulios/kafkajs#1704, #1751). A look is only needed while one waits,
 * and each new one asks for it by itself.
 */
prototype.scheduleCheckPendingRequests = function (this: Queue): void {
  if (this.pending.length) schedule.call(this);
};
