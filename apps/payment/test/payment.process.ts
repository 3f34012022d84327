import { kafkaTransport } from '@ballast/messaging';
import { bootstrapService } from '@ballast/service';
import { readConfig } from '../src/config.js';
import { database } from '../src/payment.database.js';
import { PaymentModule } from '../src/payment.module.js';
import { isolated } from './isolated-transport.js';

// main.ts, but for the topics: they are this test's own.
const config = readConfig();
const transport = isolated(
  kafkaTransport({ brokers: [...config.kafka!.brokers], clientId: config.instanceId }),
  process.env['TOPIC_PREFIX']!,
);
await bootstrapService(PaymentModule, config, { ...database, transport });
