import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dropKafka, freePort, startChild, startKafka, workspaceRoot } from '@ballast/testing';
import { adapters } from './adapters.js';
import type { TestBroker, TransportSetup } from './conformance.js';
import type { ReplicaOptions } from './replica.js';

/** What the suite needs of an adapter that speaks to a Kafka broker. */
export function kafkaSetup(adapter: keyof typeof adapters): TransportSetup {
  return {
    open: (clientId) => adapters[adapter](clientId),
    startDoomed: (replica) => startMember(adapter, replica),
    capabilities: { keepsHistory: true, javaPartitions: true, startBroker: () => startBroker(adapter) },
  };
}

async function startMember(adapter: string, replica: ReplicaOptions): Promise<{ kill(): Promise<void> }> {
  const fromRoot = (path: string) => join(workspaceRoot(), path);
  const hook = pathToFileURL(fromRoot('libs/testing/src/jest/typescript-hook.mjs')).href;
  const loader = `data:text/javascript,import { register } from 'node:module'; register(${JSON.stringify(hook)});`;
  const file = fromRoot('libs/messaging/test/conformance/member.process.ts');
  const logFile = process.env['BALLAST_TEST_LOG'];
  const child = await startChild(replica.instanceId, process.execPath, ['--import', loader, file], {
    cwd: workspaceRoot(),
    env: {
      PATH: process.env['PATH'],
      LOG_LEVEL: 'warn',
      KAFKA_BROKERS: process.env['KAFKA_BROKERS'],
      MEMBER: JSON.stringify({ adapter, replica }),
    },
    ipc: true,
    ...(logFile && { logFile }),
  });
  const ready = new Promise((resolve) => child.process.once('message', resolve));
  const ended = child.exited.then(({ code }) => Promise.reject(new Error(`the member ended with ${code}`)));
  ended.catch(() => undefined);
  await Promise.race([ready, ended]);
  return { kill: async () => void (await child.stop({ signal: 'SIGKILL' })) };
}

async function startBroker(adapter: keyof typeof adapters): Promise<TestBroker> {
  const directory = await mkdtemp(join(tmpdir(), 'ballast-broker-'));
  const port = await freePort();
  const drop = () => dropKafka(directory);
  let kafka = await startKafka({ directory, port }).catch(async (error: unknown) => {
    drop();
    throw error;
  });
  return {
    open: (clientId) => adapters[adapter](clientId, kafka.brokers),
    stop: () => kafka.stop(),
    start: async () => void (kafka = await startKafka({ directory, port })),
    dispose: () => kafka.stop().finally(drop),
  };
}
