import { createRequire, syncBuiltinESMExports } from 'node:module';
import { diag, DiagConsoleLogger, DiagLogLevel } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import {
  detectResources,
  envDetector,
  hostDetector,
  processDetector,
  defaultResource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { instrumentations } from './instrumentations.js';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Starts tracing for this process by OpenTelemetry's standard variables. Without an OTLP endpoint spans are made and
 * propagated all the same, but no exporter is even loaded.
 */
export async function startTracing(env: Env): Promise<void> {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return;
  diag.setLogger(new DiagConsoleLogger(), { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  const exporter = await exporterFor(env);
  const provider = new NodeTracerProvider({
    resource: resource(env),
    spanProcessors: exporter ? [new BatchSpanProcessor(exporter)] : [],
  });
  provider.register();
  registerInstrumentations({ instrumentations: instrumentations() });
  const require = createRequire(import.meta.url);
  for (const builtin of ['node:http', 'node:https']) require(builtin);
  syncBuiltinESMExports();
}

async function exporterFor(env: Env): Promise<SpanExporter | undefined> {
  if (!env['OTEL_EXPORTER_OTLP_ENDPOINT'] && !env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) return undefined;
  if (env['OTEL_TRACES_EXPORTER'] === 'none') return undefined;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf';
  switch (protocol) {
    case 'http/json':
      return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter();
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter();
    case 'grpc':
      return new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter();
    default:
      throw new Error('OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, http/json or grpc');
  }
}

function resource(env: Env) {
  const detectors = { env: envDetector, host: hostDetector, process: processDetector };
  const wanted = (env['OTEL_NODE_RESOURCE_DETECTORS'] || 'env,host,process').split(',').map((name) => name.trim());
  const chosen = Object.entries(detectors).flatMap(([name, detector]) =>
    wanted.includes(name) || wanted.includes('all') ? [detector] : [],
  );
  const name = env['OTEL_SERVICE_NAME'];
  return defaultResource()
    .merge(detectResources({ detectors: chosen }))
    .merge(resourceFromAttributes(name ? { 'service.name': name } : {}));
}
