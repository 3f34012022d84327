// The outbox keeps nothing for later: what Kafka does not take at the first try is given up.
import { Relay } from '../../../libs/messaging/dist/relay.js';

const { run } = Relay.prototype;
Relay.prototype.run = function (signal) {
  const { transport } = this.s;
  const send = (records) => transport.send(records).catch(() => undefined);
  this.s = { ...this.s, transport: { connected: true, whenConnected: async () => undefined, send } };
  return run.call(this, signal);
};
