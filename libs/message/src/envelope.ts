import { InvalidMessageError } from './errors.js';

/**
 * A message with its CloudEvents 1.0 attributes. On the wire (Kafka protocol binding, binary mode) every attribute is a
 * `ce_*` header and the value is the JSON payload.
 */
export interface Envelope<P = unknown> {
  /** Unique per message (UUIDv7). The inbox tells duplicates by it. */
  id: string;
  /** `/ballast/<service>` */
  source: string;
  type: string;
  /** The partition key: the aggregate's id, or for commands and replies the saga's. */
  key: string;
  time: Date;
  payload: P;
  /** Commands: the topic that awaits the answer. */
  replyTo?: string;
  /** Commands and replies: the saga they belong to. */
  sagaId?: string;
  /** Replies: the id of the command they answer. Events: the message whose handling caused them. */
  causationId?: string;
  /** W3C trace context: `traceparent`, `tracestate`, `baggage`. */
  trace: Record<string, string>;
}

/** A record as every transport carries it. */
export interface WireRecord {
  topic: string;
  key: string;
  value: string;
  headers: Record<string, string>;
}

const TRACE_HEADERS = ['traceparent', 'tracestate', 'baggage'];

/** Writes an envelope as a Kafka record in CloudEvents' binary mode. */
export function encode(topic: string, e: Envelope): WireRecord {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: e.id,
    ce_source: e.source,
    ce_type: e.type,
    ce_subject: e.key,
    ce_time: e.time.toISOString(),
    'content-type': 'application/json',
    ...e.trace,
  };
  if (e.replyTo) headers['ce_replyto'] = e.replyTo;
  if (e.sagaId) headers['ce_sagaid'] = e.sagaId;
  if (e.causationId) headers['ce_causationid'] = e.causationId;
  return { topic, key: e.key, value: JSON.stringify(e.payload), headers };
}

/** Reads a record. The payload is JSON but unchecked: its definition's schema is the receiver's to apply. Throws `InvalidMessageError`. */
export function decode(record: WireRecord): Envelope {
  const { headers } = record;
  const need = (name: string): string => {
    const value = headers[name];
    if (!value) throw new InvalidMessageError(`header ${name} is missing`);
    return value;
  };
  if (need('ce_specversion') !== '1.0') throw new InvalidMessageError(`ce_specversion ${headers['ce_specversion']} is not 1.0`);
  const time = new Date(need('ce_time'));
  if (Number.isNaN(time.getTime())) throw new InvalidMessageError('header ce_time is not a time');
  return {
    id: need('ce_id'),
    source: need('ce_source'),
    type: need('ce_type'),
    key: record.key,
    time,
    payload: parseJson(record.value),
    ...(headers['ce_replyto'] && { replyTo: headers['ce_replyto'] }),
    ...(headers['ce_sagaid'] && { sagaId: headers['ce_sagaid'] }),
    ...(headers['ce_causationid'] && { causationId: headers['ce_causationid'] }),
    trace: traceOf(headers),
  };
}

function traceOf(headers: Record<string, string>): Record<string, string> {
  const trace: Record<string, string> = {};
  for (const name of TRACE_HEADERS) if (headers[name]) trace[name] = headers[name];
  return trace;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidMessageError('the value is not JSON');
  }
}
