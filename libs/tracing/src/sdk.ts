import { createRequire, syncBuiltinESMExports } from 'node:module';
import { diag, type DiagLogger, DiagLogLevel } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { detectResources, envDetector, hostDetector, processDetector, defaultResource } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { instrumentations } from './instrumentations.js';
import { logger } from './logger.js';
import { ScopedTracerProvider } from './scoped-provider.js';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Starts tracing for this process by OpenTelemetry's standard variables. Without an OTLP endpoint spans are made and
 * propagated all the same, but no exporter is even loaded.
 *
 * The SDK is put together here and not by `@opentelemetry/sdk-node`, which loads every exporter of every signal.
 *
 * There is no import hook. What is instrumented is reached by `require`, also from ESM: fastify requires http, pg's ESM entry imports
 * its CommonJS self, undici speaks through diagnostics_channel. `@opentelemetry/instrumentation/hook.mjs` would parse every
 * module of the application for that: a Nest service with TypeORM and kafkajs came up in 1.5 s and 135 MB without it, as if
 * untraced, in 3.5 s and 178 MB with it, and in 2.3 s and 155 MB with its list limited to pg and http.
 */
export async function startTracing(env: Env): Promise<void> {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return;
  diag.setLogger(diagnostics, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const exporter = await exporterFor(env);
  // The sampler (parent-based unless OTEL_TRACES_SAMPLER says otherwise) and the limits are read from the environment by the provider.
  const provider = new ScopedTracerProvider({
    resource: resource(env),
    spanProcessors: exporter ? [new BatchSpanProcessor(exporter)] : [],
  });
  provider.register();
  registerInstrumentations({ instrumentations: instrumentations() });
  // Patches them now, so that an ES module that imports a name from them gets the patched function.
  const require = createRequire(import.meta.url);
  for (const builtin of ['node:http', 'node:https']) require(builtin);
  syncBuiltinESMExports();
}

const report =
  (level: 'error' | 'warn' | 'debug') =>
  (message: string, ...details: unknown[]) =>
    logger()[level]({ component: 'opentelemetry', details }, message);

/** What OpenTelemetry has to say, e.g. that its collector is away, in the service's own log. */
const diagnostics: DiagLogger = {
  error: report('error'),
  warn: report('warn'),
  info: report('debug'),
  debug: report('debug'),
  verbose: report('debug'),
};

async function exporterFor(env: Env): Promise<SpanExporter | undefined> {
  if (!env['OTEL_EXPORTER_OTLP_ENDPOINT'] && !env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) return undefined;
  if (env['OTEL_TRACES_EXPORTER'] === 'none') return undefined;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf';
  if (protocol === 'grpc') return new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter();
  if (protocol === 'http/json') return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter();
  if (protocol !== 'http/protobuf') diag.error('OTEL_EXPORTER_OTLP_PROTOCOL is not http/protobuf, http/json or grpc: using http/protobuf');
  return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter();
}

function resource(env: Env) {
  const detectors = { env: envDetector, host: hostDetector, process: processDetector };
  const wanted = (env['OTEL_NODE_RESOURCE_DETECTORS'] || 'env,host,process').split(',').map((name) => name.trim());
  const chosen = Object.entries(detectors).flatMap(([name, detector]) =>
    wanted.includes(name) || wanted.includes('all') ? [detector] : [],
  );
  return defaultResource().merge(detectResources({ detectors: chosen }));
}
