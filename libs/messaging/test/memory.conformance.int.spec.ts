import { MemoryBroker, memoryTransport } from '../src/index.js';
import { transportConformance } from './conformance/conformance.js';
import { startReplica } from './conformance/replica.js';

transportConformance('memory', () => {
  const broker = new MemoryBroker({ groups: [] });
  return {
    open: () => memoryTransport({ broker }),
    // All members share one process, which dies as a whole (memory.int.spec): here one only stops taking part, with its work at hand.
    startDoomed: async (options) => {
      const transport = memoryTransport({ broker });
      const replica = await startReplica(options, transport);
      return {
        kill: async () => {
          await transport.close();
          await replica.stop();
        },
      };
    },
    capabilities: {
      // What nobody reads is kept nowhere; a group that is expected is waited for instead (memory.transport.spec).
      keepsHistory: false,
      // Nobody else reads its partitions.
      javaPartitions: false,
      // It has no broker that could be away (`startBroker`).
    },
  };
});
