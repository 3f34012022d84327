import { afterCommit, beforeCommit, requireTransaction, txState, type Tx } from '@ballast/database';
import { encode, type CommandDraft, type Envelope, type EventDraft, type WireRecord } from '@ballast/message';
import { captureContext } from '@ballast/tracing';
import { currentCause } from './cause.js';
import type { Clock } from './clock.js';
import type { OutboxStore } from './outbox.store.js';
import type { Wakeup } from './wakeup.js';

/** Bytes of JSON a message may have: half of what a broker takes by default, since headers come on top. */
export const MAX_PAYLOAD_BYTES = 512 * 1024;

/** The message is too large for the broker. Store the content and send its id. */
export class PayloadTooLargeError extends Error {
  constructor(type: string, bytes: number) {
    super(`${type} has ${bytes} bytes; a message may have ${MAX_PAYLOAD_BYTES}`);
    this.name = 'PayloadTooLargeError';
  }
}

/** Takes whole records into the transaction's outbox: what replies and dead letters are written with. */
export interface RecordSink {
  push(tx: Tx, record: WireRecord): void;
}

export interface OutboxSettings {
  service: string;
  store: OutboxStore;
  clock: Clock;
  newId: () => string;
  relay: Wakeup;
}

/**
 * The transactional outbox: a message is published if and only if the transaction commits; at least once; in commit order per
 * topic and key. `add` buffers. Just before COMMIT the transaction locks its keys in sorted order, once, and only then draws the
 * ids, so ids follow the order of commits and the relay needs no cursor.
 */
export class Outbox implements RecordSink {
  constructor(private readonly settings: OutboxSettings) {}

  /**
   * Publishes the event with the transaction. The active trace goes with it. Throws outside a transaction, and over 512 KB.
   *
   * `others`: the same fact in other versions of its contract, until every consumer has moved. They are one message in several forms,
   * with one id, one behind the other in one partition: a consumer that takes several has the effect of the first it reads.
   */
  async add(tx: Tx, draft: EventDraft, ...others: readonly EventDraft[]): Promise<void> {
    const { definition, key, payload } = draft;
    const envelope = this.envelope(tx, definition.type, key, payload);
    const records = [sized(definition.type, encode(definition.topic, envelope))];
    for (const other of others) {
      const { type, topic } = other.definition;
      if (nameOf(type) !== nameOf(definition.type) || type === definition.type || other.key !== key)
        throw new TypeError(`${type} is no other version of this ${definition.type}: give both the same name and the same key`);
      const form = { ...this.envelope(tx, type, key, other.payload), id: envelope.id, time: envelope.time };
      records.push(sized(type, encode(topic, form)));
    }
    for (const record of records) this.push(tx, record);
  }

  /**
   * Sends the command with the transaction. `key` orders it among the saga's other commands, `replyTo` is the topic of the answer.
   * The same `id` again asks for the same answer again: the receiver does not repeat the effect.
   */
  async addCommand(tx: Tx, draft: CommandDraft, o: { id?: string; key: string; replyTo: string; sagaId: string }): Promise<void> {
    const { definition, payload } = draft;
    const envelope = this.envelope(tx, definition.type, o.key, payload);
    const record = encode(definition.topic, { ...envelope, id: o.id ?? envelope.id, replyTo: o.replyTo, sagaId: o.sagaId });
    this.push(tx, sized(definition.type, record));
  }

  /** A whole record, as it is to be sent. */
  push(tx: Tx, record: WireRecord): void {
    requireTransaction(tx);
    const records = txState<WireRecord[]>(tx, this, () => []);
    records.push(record);
    beforeCommit(tx, this, async () => {
      await this.settings.store.append(tx, records.splice(0));
      afterCommit(tx, () => this.settings.relay.wake());
    });
  }

  private envelope(tx: Tx, type: string, key: string, payload: unknown): Envelope {
    requireTransaction(tx);
    const { service, newId, clock } = this.settings;
    const causationId = currentCause(tx);
    return {
      id: newId(),
      source: `/ballast/${service}`,
      type,
      key,
      time: clock.now(),
      payload,
      trace: captureContext(),
      ...(causationId && { causationId }),
    };
  }
}

function sized(type: string, record: WireRecord): WireRecord {
  const bytes = Buffer.byteLength(record.value);
  if (bytes > MAX_PAYLOAD_BYTES) throw new PayloadTooLargeError(type, bytes);
  return record;
}

/** `order.confirmed.v2` → `order.confirmed` */
const nameOf = (type: string): string => type.slice(0, type.lastIndexOf('.'));
