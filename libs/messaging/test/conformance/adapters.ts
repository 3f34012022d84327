import { testBrokers } from '@ballast/testing';
import { kafkaTransport, type Transport } from '../../src/index.js';

/** The clients of a Kafka broker, by name, so that a process of its own can be told which to use. */
export const adapters = {
  kafkajs: (clientId: string, brokers: string[] = testBrokers()): Transport => kafkaTransport({ brokers, clientId }),
  platformatic: (clientId: string, brokers: string[] = testBrokers()): Transport =>
    kafkaTransport({ brokers, clientId, client: 'platformatic' }),
};
