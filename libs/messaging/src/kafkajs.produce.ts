import { createRequire } from 'node:module';
import type { Message } from 'kafkajs';
import { Writer } from './kafkajs.writer.js';

/** What kafkajs is given to send a record of ours, which tells it from the messages of others in this process. */
export class OutgoingMessage implements Message {
  constructor(
    readonly key: string,
    readonly value: string,
    readonly headers: Record<string, string>,
  ) {}
}

interface Produce {
  acks: number;
  timeout: number;
  compression: number;
  transactionalId?: string;
  producerId: number | string;
  producerEpoch: number;
  topicData: readonly { topic: string; partitions: readonly Batch[] }[];
}
interface Batch {
  partition: number;
  firstSequence: number;
  messages: readonly Message[];
}
/** What kafkajs takes for the bytes of a request. */
interface Encoded {
  buf: Buffer;
  buffer: Buffer;
}
interface Exchange {
  request: { encode(): Promise<Encoded> };
  response: unknown;
}

const inner = createRequire(import.meta.url);
/** kafkajs has no types for its inner parts. */
const request = inner('kafkajs/src/protocol/requests/produce/index.js') as {
  protocol(options: { version: number }): (question: Produce) => Exchange;
};
const crc32c = inner('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (bytes: Buffer) => number;
const { protocol } = request;

/** The first version of the request with record batches. */
const RECORD_BATCHES = 3;
const NO_COMPRESSION = 0;
/** The record batch's own version. */
const MAGIC = 2;
const BYTES_OF_A_RECORD = 1_024;

/**
 * kafkajs makes a buffer of half a kilobyte for each header of each record, and one more for each length in it: most of what a backlog costs the service
 * that sends it. Records of ours are written into one buffer a request, to the same bytes; the messages of others stay as they are.
 */
request.protocol = (options) => (question) => {
  const exchange = protocol(options)(question);
  const plain = question.compression === NO_COMPRESSION && !question.transactionalId;
  if (options.version < RECORD_BATCHES || !plain || !areOurs(question)) return exchange;
  return { ...exchange, request: { ...exchange.request, encode: () => Promise.resolve(encode(question)) } };
};

const areOurs = ({ topicData }: Produce): boolean =>
  topicData.every(({ partitions }) => partitions.every(({ messages }) => messages.every((message) => message instanceof OutgoingMessage)));

function encode(produce: Produce): Encoded {
  const { acks, timeout, topicData } = produce;
  const out = new Writer(BYTES_OF_A_RECORD * (1 + numberOfRecords(topicData)));
  out.string(null);
  out.int16(acks);
  out.int32(timeout);
  out.int32(topicData.length);
  for (const { topic, partitions } of topicData) {
    out.string(topic);
    out.int32(partitions.length);
    for (const batch of partitions) {
      out.int32(batch.partition);
      out.sized(() => writeBatch(out, produce, batch));
    }
  }
  const buffer = out.written();
  return { buf: buffer, buffer };
}

function numberOfRecords(topicData: Produce['topicData']): number {
  let records = 0;
  for (const { partitions } of topicData) for (const { messages } of partitions) records += messages.length;
  return records;
}

function writeBatch(out: Writer, { producerId, producerEpoch }: Produce, { firstSequence, messages }: Batch): void {
  const now = BigInt(Date.now());
  out.int64(0n);
  out.sized(() => {
    out.int32(0);
    out.int8(MAGIC);
    out.checked(crc32c, () => {
      out.int16(0);
      out.int32(messages.length - 1);
      out.int64(now);
      out.int64(now);
      out.int64(BigInt(producerId));
      out.int16(producerEpoch);
      out.int32(firstSequence);
      out.int32(messages.length);
      for (let place = 0; place < messages.length; place++) writeRecord(out, place, messages[place] as OutgoingMessage);
    });
  });
}

/** All of one time, that of the batch. */
function writeRecord(out: Writer, place: number, { key, value, headers }: OutgoingMessage): void {
  out.varSized(() => {
    out.int8(0);
    out.varint(0);
    out.varint(place);
    out.varString(key);
    out.varString(value);
    const names = Object.keys(headers);
    out.varint(names.length);
    for (const name of names) {
      out.varString(name);
      out.varString(headers[name]!);
    }
  });
}
