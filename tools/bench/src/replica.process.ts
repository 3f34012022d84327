import { createLogger } from '@ballast/tracing';
import { openDatabase } from './database.js';
import { changed, commitBacklog } from './messages.js';
import type { Asked, ReplicaOptions, Told } from './replicas.js';
import { startBenchService } from './service.js';

// A replica of the sending service, run as a process of its own by replicas.ts.
const { name, brokers, config } = JSON.parse(process.env['BENCH_REPLICA']!) as ReplicaOptions;
const tell = (told: Told) => process.send?.(told);
process.on('disconnect', () => process.exit());
createLogger({ service: name, level: 'error' });

const service = await startBenchService(
  { kafka: { brokers } },
  {
    ...{ name: 'bench', replica: name, definitions: [changed] },
    store: { database: (poolSize) => openDatabase(config, poolSize) },
    poolSize: 5,
    onSent: (sent) => tell({ sent }),
  },
);
process.on('message', ({ commit }: Asked) => void commitBacklog(service, commit).then(() => tell({ committed: commit })));
tell({ ready: 1 });
