import { adapters } from './adapters.js';
import { type ReplicaOptions, startReplica } from './replica.js';

// Run as a process of its own by the conformance suite, so that it can be killed.
const { adapter, replica } = JSON.parse(process.env['MEMBER']!) as { adapter: keyof typeof adapters; replica: ReplicaOptions };
await startReplica(replica, adapters[adapter](replica.instanceId));
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
