// The offset is committed before the effect: a crash between the two loses the message.
import { Inbox } from '../../../libs/messaging/dist/inbox.js';

const { handle } = Inbox.prototype;
Inbox.prototype.handle = async function (items, session) {
  await session.batch.commit(String(BigInt(items.at(-1).record.offset) + 1n));
  return handle.call(this, items, session);
};
