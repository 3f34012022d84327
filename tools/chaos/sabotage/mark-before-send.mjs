// The relay deletes what it has not published yet: a crash between the two loses it.
import { Relay } from '../../../libs/messaging/dist/relay.js';
import { failpoint } from '../../../libs/resilience/dist/index.js';

Relay.prototype.pass = async function () {
  const pending = await this.s.store.pending(this.lane, 500);
  this.caughtUp = pending.length === 0;
  if (this.caughtUp || !(await this.own())) return 0;
  this.noteSent(pending);
  await this.deleteSent();
  failpoint('outbox.committed');
  await this.send(pending);
  return pending.length;
};
