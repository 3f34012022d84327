// What came in one batch is handled last first: events of a key in the wrong order.
import { Inbox } from '../../../libs/messaging/dist/inbox.js';

const { handle } = Inbox.prototype;
Inbox.prototype.handle = function (items, session) {
  return handle.call(this, items.toReversed(), session);
};
