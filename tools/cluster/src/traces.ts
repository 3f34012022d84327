import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Child, dockerImageAvailable, eventually, startChild } from '@ballast/testing';
import { messageOf } from './errors.js';
import type { Home } from './home.js';
import type { Say } from './progress.js';

const image = 'jaegertracing/jaeger:2.13.0';

/** Where the traces of this cluster go. */
export interface Traces {
  /** What services get as OTEL_EXPORTER_OTLP_ENDPOINT. Without it nothing is exported; trace context is made and carried all the same. */
  endpoint?: string;
  describe: string;
  /** Its web page, if it is one we started. */
  page?: string;
  /** Whether a container of its own takes them: its memory is not that of a process we started. */
  inDocker?: boolean;
  stop(): Promise<void>;
}

export interface TracesOptions {
  home: Home;
  /** A collector somebody else runs; `false`: no traces are wanted. */
  otlpEndpoint: string | false | undefined;
  otlpPort: number;
  uiPort: number;
  say: Say;
  signal: AbortSignal;
}

/**
 * Finds or starts a Jaeger: the collector that is given, Docker, `jaeger` on the PATH, or none. A Jaeger that does not start
 * is no reason for a platform not to.
 */
export async function findTraces(options: TracesOptions): Promise<Traces> {
  const { otlpEndpoint, say, signal } = options;
  const stop = () => Promise.resolve();
  if (otlpEndpoint === false) return { describe: 'not wanted', stop };
  if (otlpEndpoint) return { endpoint: otlpEndpoint, describe: `sent to ${otlpEndpoint}, as the environment says`, stop };
  try {
    if ((await dockerImageAvailable(image, { log: say, signal })).available) return await jaegerInDocker(options);
    if (await onPath('jaeger')) return await jaegerBinary(options);
  } catch (error) {
    signal.throwIfAborted();
    return { describe: `not exported: ${messageOf(error)}`, stop };
  }
  return { describe: 'not exported; to see them start Docker, put jaeger (v2) on the PATH, or set OTEL_EXPORTER_OTLP_ENDPOINT', stop };
}

async function jaegerInDocker({ home, otlpPort, uiPort, signal }: TracesOptions): Promise<Traces> {
  const name = `ballast-jaeger-${otlpPort}`;
  await promisify(execFile)('docker', ['rm', '--force', name]).catch(() => undefined);
  const ports = ['-p', `127.0.0.1:${uiPort}:16686`, '-p', `127.0.0.1:${otlpPort}:4318`];
  // In the foreground, so that the client hands the watchdog's signal on to the container.
  const child = await startChild('Jaeger (Docker)', 'docker', ['run', '--rm', '--name', name, ...ports, image], {
    logFile: home.logOf('jaeger'),
    grace: 20_000,
    signal,
  });
  await uiAnswers(child, uiPort, home);
  return {
    ...reachable(otlpPort, uiPort, 'Jaeger in Docker'),
    inDocker: true,
    // Its traces are in memory, so there is nothing to wait for.
    stop: async () => {
      await promisify(execFile)('docker', ['rm', '--force', name]).catch(() => undefined);
      await child.stop();
    },
  };
}

async function jaegerBinary({ home, otlpPort, uiPort, signal }: TracesOptions): Promise<Traces> {
  const config = join(home.directory, 'jaeger.json');
  writeFileSync(config, JSON.stringify(jaegerConfig(otlpPort, uiPort)));
  const child = await startChild('Jaeger', 'jaeger', ['--config', config], {
    logFile: home.logOf('jaeger'),
    stopSignal: 'SIGKILL', // it takes 12 s to stop otherwise, and has nothing to save
    signal,
  });
  await uiAnswers(child, uiPort, home);
  return { ...reachable(otlpPort, uiPort, 'Jaeger'), stop: async () => void (await child.stop()) };
}

/** Jaeger v2 is an OpenTelemetry collector: OTLP over HTTP in, the latest traces in memory, its query API and UI. YAML takes JSON. */
function jaegerConfig(otlpPort: number, uiPort: number): object {
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
    },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 1_000 } } } },
      jaeger_query: { storage: { traces: 'memory' }, http: { endpoint: `127.0.0.1:${uiPort}` }, grpc: { endpoint: '127.0.0.1:0' } },
    },
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlpPort}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  };
}

function reachable(otlpPort: number, uiPort: number, what: string): Pick<Traces, 'endpoint' | 'describe' | 'page'> {
  const page = `http://127.0.0.1:${uiPort}`;
  return { endpoint: `http://127.0.0.1:${otlpPort}`, page, describe: `${page} (${what})` };
}

async function uiAnswers(child: Child, uiPort: number, home: Home): Promise<void> {
  try {
    await eventually(
      async () => {
        if (child.alive) await fetch(`http://127.0.0.1:${uiPort}/api/services`);
      },
      { timeout: 30_000, interval: 100 },
    );
    if (!child.alive) throw new Error('it ended');
  } catch (cause) {
    await child.stop();
    throw new Error(`Jaeger did not start, see ${home.logOf('jaeger')}`, { cause });
  }
}

async function onPath(program: string): Promise<boolean> {
  return promisify(execFile)('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  );
}
