import { createRequire } from 'node:module';

interface Metadata {
  topicMetadata: { topicErrorCode: number }[];
}
interface Exchange {
  response: { decode(data: unknown): Promise<Metadata>; parse(metadata: Metadata): Promise<Metadata> };
}

/** kafkajs has no types for its inner parts. */
const request = createRequire(import.meta.url)('kafkajs/src/protocol/requests/metadata/index.js') as {
  protocol(options: { version: number }): (question: { topics: readonly string[] }) => Exchange;
};
const { protocol } = request;

/**
 * kafkajs refuses an answer about all topics when one partition of one topic has no leader: the list of topics cannot be had then, and a broker that
 * answers seems to be away. A question about certain topics is asked by whoever writes to them or reads them, and stays as it is.
 */
request.protocol = (options) => (question) => {
  const { response, ...exchange } = protocol(options)(question);
  if (question.topics.length) return { ...exchange, response };
  const parse = (metadata: Metadata) =>
    Promise.resolve({ ...metadata, topicMetadata: metadata.topicMetadata.filter(({ topicErrorCode }) => topicErrorCode === 0) });
  return { ...exchange, response: { ...response, parse } };
};
