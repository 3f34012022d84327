import type { Transport } from '../../src/index.js';
import { delivery } from './delivery.js';
import { Fixture } from './fixture.js';
import { groups } from './groups.js';
import { handling } from './handling.js';
import { outages } from './outages.js';
import { rebalancing } from './rebalancing.js';
import { receiving } from './receiving.js';
import type { ReplicaOptions } from './replica.js';
import { sending } from './sending.js';

/** What a test needs of an adapter: clients of one broker, and ways to do harm. */
export interface TransportSetup {
  /** A new client of the one broker of this run. */
  open(clientId: string): Transport;
  /** A replica of the suite's service that can be ended without a word to its group. */
  startDoomed(options: ReplicaOptions): Promise<{ kill(): Promise<void> }>;
  /** What not every broker can give. Leave one out and say why where you do. */
  capabilities: {
    /** A record is kept for a group that subscribes for the first time later. */
    keepsHistory: boolean;
    /** Which of the twelve partitions a key has is agreed with clients in other languages. */
    javaPartitions: boolean;
    /** A broker of its own that goes away and comes back with what it had. */
    startBroker?: () => Promise<TestBroker>;
  };
}

export interface TestBroker {
  open(clientId: string): Transport;
  stop(): Promise<void>;
  start(): Promise<void>;
  dispose(): Promise<void>;
}

/** The contract of the `Transport` port, on a real database where the inbox and the outbox take part. Every adapter is held to it. */
export function transportConformance(name: string, setup: () => TransportSetup): void {
  describe(`${name}, as every transport,`, () => {
    const fixture = new Fixture(setup());
    afterEach(() => fixture.end());
    describe('sends:', () => sending(fixture));
    describe('receives:', () => receiving(fixture));
    describe('groups:', () => groups(fixture));
    describe('delivers from a transaction to a handler:', () => delivery(fixture));
    describe('feeds an inbox:', () => handling(fixture.setup));
    describe('rebalances:', () => rebalancing(fixture));
    if (fixture.setup.capabilities.startBroker) describe('outages:', () => outages(fixture));
  });
}
