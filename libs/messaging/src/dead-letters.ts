import type { Tx } from '@ballast/database';
import { deadLetterTopic, HANDLER_FAILED, type Envelope, type Reply } from '@ballast/message';
import { currentTraceId, logger, scrub } from '@ballast/tracing';
import type { InboxStore } from './inbox.store.js';
import { LONGEST_NAME, type DeadLetterReason, type Incoming } from './incoming.js';
import type { RecordSink } from './outbox.js';
import { replyAddressOf } from './reply-address.js';
import type { ReplyWriter } from './reply-writer.js';

export interface DeadLettersSettings {
  store: InboxStore;
  outbox: RecordSink;
  replies: ReplyWriter;
  /** The consumer group. */
  service: string;
}

export interface Burial {
  partition: number;
  reason: DeadLetterReason;
  error: Error;
  attempts: number;
}

/**
 * Sets a message aside: a row to look at and to replay, a copy on `<topic>.dlq`, and for a command the failure reply its saga waits
 * for, all in one transaction. An event parks its key, since a later event must not overtake it. Returns true when the key is parked.
 */
export class DeadLetters {
  constructor(private readonly s: DeadLettersSettings) {}

  async bury(tx: Tx, item: Incoming, { partition, reason, error, attempts }: Burial): Promise<boolean> {
    const { record, route } = item;
    const { store, outbox, service } = this.s;
    const text = describe(error);
    const traceId = currentTraceId() ?? traceIdOf(record.headers['traceparent']);
    const id = await store.bury(tx, {
      topic: record.topic,
      partition,
      offset: record.offset,
      key: nameOf(record.key),
      headers: storableHeaders(record.headers),
      payload: storable(record.value),
      reason,
      error: text,
      attempts,
      ...(item.envelope && { messageId: item.envelope.id }),
      ...(route && { type: route.type }),
      ...(traceId && { traceId }),
    });
    if (id === undefined) return false;
    logger().error({ deadLetter: id, topic: record.topic, type: route?.type, reason, attempts, detail: text }, 'message dead-lettered');
    outbox.push(tx, {
      topic: deadLetterTopic(record.topic),
      key: nameOf(record.key),
      value: storable(record.value),
      headers: {
        ...storableHeaders(record.headers),
        dlq_reason: reason,
        dlq_error: text,
        dlq_group: service,
        dlq_topic: record.topic,
        dlq_partition: String(partition),
        dlq_offset: record.offset,
      },
    });
    if (route?.kind === 'command') await this.answer(tx, item.envelope ?? partialEnvelope(item), reason);
    if (route?.kind !== 'event' || !item.envelope) return false;
    await store.parkKey(tx, record.topic, item.envelope.key, id);
    return true;
  }

  private async answer(tx: Tx, envelope: Envelope, reason: DeadLetterReason): Promise<void> {
    const address = replyAddressOf(envelope);
    if (!address || !usable(address.replyTo, address.sagaId, address.key, address.commandId)) return;
    const message =
      reason === 'HANDLER_FAILED' ? 'the handler failed; the dead letter says why' : `the command was not readable: ${reason}`;
    const reply: Reply = { outcome: 'failed', code: HANDLER_FAILED, message };
    this.s.replies.send(tx, address, reply);
    await this.s.store.keepReplies(tx, new Map([[envelope.id, reply]]));
  }
}

/** What can be told of an undecodable command: enough to answer it, if its headers are there. */
function partialEnvelope({ record }: Incoming): Envelope {
  const { headers, key } = record;
  return {
    id: headers['ce_id'] ?? '',
    type: headers['ce_type'] ?? '',
    source: headers['ce_source'] ?? '',
    key,
    time: new Date(0),
    payload: undefined,
    trace: {},
    ...(headers['ce_replyto'] && { replyTo: headers['ce_replyto'] }),
    ...(headers['ce_sagaid'] && { sagaId: headers['ce_sagaid'] }),
  };
}

const LONGEST_ERROR = 500;
/** Class and message without what looks personal; a driver's `detail`, which quotes values, stays out. */
export const describe = (error: Error): string => storable(scrub(`${error.name}: ${error.message}`)).slice(0, LONGEST_ERROR);

/** Postgres keeps no NUL in text. A dead letter that cannot be stored would stop its partition for good. */
const storable = (text: string): string => text.replaceAll('\0', '\uFFFD');
const storableHeaders = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [storable(name), storable(value)]));

const usable = (...names: string[]): boolean => names.every((name) => name.length > 0 && name.length <= 512 && !name.includes('\0'));
const traceIdOf = (traceparent: string | undefined): string | undefined => /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? '')?.[1];

/** As much of a key as an index can hold. A longer one is none of ours: `classify` refuses it, and the record must not block its partition. */
const nameOf = (key: string): string => storable(key).slice(0, LONGEST_NAME);
