import { kafkaTransport } from '@ballast/messaging';
import { bootstrapService } from '@ballast/service';
import app from '../src/app.js';
import { isolated } from './isolated-transport.js';

// main.ts, but for the topics: they are this test's own.
const { kafka, instanceId } = app.config();
const transport = isolated(kafkaTransport({ brokers: [...kafka!.brokers], clientId: instanceId }), process.env['TOPIC_PREFIX']!);
await bootstrapService({ ...app, parts: { ...app.parts, transport } });
