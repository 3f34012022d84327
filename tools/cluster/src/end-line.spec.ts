import { resolve } from 'node:path';
import { endLine } from './end-line.js';

it.each([
  [
    endLine('payment', { code: null, signal: 'SIGKILL' }, resolve('logs/payment.log'), 'started again'),
    'payment ended (SIGKILL), started again; logs/payment.log',
  ],
  [endLine('Kafka', { code: 1, signal: null }, '/elsewhere/kafka'), 'Kafka ended (exit 1); /elsewhere/kafka'],
])('tells what ended: %s', (line, expected) => expect(line).toBe(expected));
