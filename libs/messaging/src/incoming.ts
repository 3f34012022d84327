import { decode, InvalidMessageError, InvalidPayloadError, type Envelope } from '@ballast/message';
import type { Route, Router } from './route.js';
import type { ReceivedRecord } from './transport.js';

export const deadLetterReasons = ['INVALID_MESSAGE', 'INVALID_PAYLOAD', 'HANDLER_FAILED', 'KEY_PARKED'] as const;
export type DeadLetterReason = (typeof deadLetterReasons)[number];

export interface ValidMessage {
  kind: 'message';
  record: ReceivedRecord;
  envelope: Envelope;
  route: Route;
}

/** Ours, but not readable: `envelope` as far as it could be read. */
export interface InvalidMessage {
  kind: 'invalid';
  record: ReceivedRecord;
  reason: 'INVALID_MESSAGE' | 'INVALID_PAYLOAD';
  error: Error;
  envelope?: Envelope;
  route?: Route;
}

export type Incoming = ValidMessage | InvalidMessage;

/** What an index and a text column can hold; our own ids and keys are UUIDs. */
export const LONGEST_NAME = 512;

/** Reads a record; undefined for a type this service does not subscribe to. */
export function classify(record: ReceivedRecord, router: Router): Incoming | undefined {
  const type = record.headers['ce_type'];
  const route = type ? router(type) : undefined;
  if (type && !route) return undefined;
  let envelope: Envelope | undefined;
  try {
    envelope = decode(record);
    for (const [name, value] of Object.entries({ key: envelope.key, ce_id: envelope.id }))
      if (value.length > LONGEST_NAME || value.includes('\0')) throw new InvalidMessageError(`${name} is not a usable name`);
  } catch (error) {
    return { kind: 'invalid', record, reason: 'INVALID_MESSAGE', error: error as Error, ...(route && { route }) };
  }
  try {
    return { kind: 'message', record, envelope: route!.parse(envelope), route: route! };
  } catch (error) {
    if (!(error instanceof InvalidPayloadError)) throw error;
    return { kind: 'invalid', record, reason: 'INVALID_PAYLOAD', error, envelope, route: route! };
  }
}
