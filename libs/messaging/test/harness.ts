import type { DatabaseConfig } from '@ballast/database';
import type { WireRecord } from '@ballast/message';
import { eventually as soon, testBrokers, testDatabase, uniqueName } from '@ballast/testing';
import { kafkaTransport, RecordRefusedError, type Transport } from '../src/index.js';
import { PartlySentError } from '../src/transport.js';
import { startService as start, type TestService, type TestServiceOptions } from './service.js';

export { Effect1760000000900, migrations, type TestService } from './service.js';

jest.setTimeout(120_000);

/** With time for a machine that has more to do than these tests. */
export const eventually: typeof soon = (assertion, options) => soon(assertion, { timeout: 45_000, ...options });

/** A name that can own message types and topics. */
export const serviceName = (prefix = 'shop'): string => uniqueName(prefix).replaceAll('_', '-');

/** A service as in production, without HTTP; on Kafka unless it is given another transport. */
export const startService = (o: Omit<TestServiceOptions, 'transport'> & { transport?: Transport }): Promise<TestService> =>
  start({ ...o, transport: o.transport ?? newTransport() });

/** As the relay does: again, until the signal, after what is not the record's fault. */
export async function sendSurely(transport: Transport, records: WireRecord[], signal?: AbortSignal): Promise<void> {
  for (let left = records; ;) {
    try {
      return await transport.send(left);
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof RecordRefusedError) throw error;
      if (error instanceof PartlySentError) left = left.filter((_, place) => !error.sent.includes(place));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export const newTransport = (clientId = 'test'): Transport => kafkaTransport({ brokers: testBrokers(), clientId });

/** A fresh service database that goes away with the test file. */
export async function freshDatabase(): Promise<{ config: DatabaseConfig; drop(): Promise<void> }> {
  return testDatabase('messaging');
}

/** Undoes in reverse order, as `defer` would. */
export class Cleanup {
  private readonly work: (() => Promise<unknown>)[] = [];
  add(undo: () => Promise<unknown>): void {
    this.work.push(undo);
  }
  async run(): Promise<void> {
    for (const undo of this.work.splice(0).reverse()) await undo();
  }
}
