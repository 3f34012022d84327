import type { Tx } from '@ballast/database';
import { encode, replyType, type Reply } from '@ballast/message';
import { captureContext } from '@ballast/tracing';
import type { Clock } from './clock.js';
import { MAX_PAYLOAD_BYTES, PayloadTooLargeError, type RecordSink } from './outbox.js';
import type { ReplyAddress } from './reply-address.js';

export interface ReplyWriterSettings {
  service: string;
  outbox: RecordSink;
  clock: Clock;
  newId: () => string;
}

/** Sends answers through the outbox of the transaction. Each is a message of its own: an answer given again passes the asker's inbox. */
export class ReplyWriter {
  constructor(private readonly s: ReplyWriterSettings) {}

  send(tx: Tx, to: ReplyAddress, reply: Reply): void {
    const type = replyType(to.commandType);
    const record = encode(to.replyTo, {
      id: this.s.newId(),
      source: `/ballast/${this.s.service}`,
      type,
      key: to.key,
      time: this.s.clock.now(),
      payload: reply,
      sagaId: to.sagaId,
      causationId: to.commandId,
      trace: captureContext(),
    });
    const bytes = Buffer.byteLength(record.value);
    if (bytes > MAX_PAYLOAD_BYTES) throw new PayloadTooLargeError(type, bytes);
    this.s.outbox.push(tx, record);
  }
}
