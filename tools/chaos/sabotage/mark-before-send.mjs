// The relay marks what it has not published yet: a crash between the two loses it.
import { Relay } from '../../../libs/messaging/dist/relay.js';
import { failpoint } from '../../../libs/resilience/dist/index.js';

Relay.prototype.pass = async function () {
  const pending = await this.s.store.pending(this.lane, 500);
  if (pending.length === 0 || !(await this.own())) return 0;
  await this.removed(pending);
  failpoint('outbox.committed');
  await this.send(pending);
  return pending.length;
};
