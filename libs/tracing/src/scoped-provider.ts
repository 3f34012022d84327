import type { Tracer } from '@opentelemetry/api';
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { perScope, type TelemetryScope } from './scope.js';

export interface ScopedProviderOptions {
  resource: Resource;
  spanProcessors: SpanProcessor[];
}

/**
 * The tracer provider of a process. A span that begins in a telemetry scope gets the scope's resource, whoever asked for the tracer:
 * instrumentations ask once, when they are registered, for all services there are. The processors are shared, so are their buffers
 * and their exporter, which groups spans by resource.
 */
export class ScopedTracerProvider extends NodeTracerProvider {
  private readonly ofScope: () => NodeTracerProvider | undefined;

  constructor(options: ScopedProviderOptions) {
    super(options);
    this.ofScope = perScope((scope) => scope && new NodeTracerProvider({ ...options, resource: resourceOf(options.resource, scope) }));
  }

  override getTracer(...args: Parameters<NodeTracerProvider['getTracer']>): Tracer {
    const ofProcess = super.getTracer(...args);
    const tracer = perScope((scope) => (scope && this.ofScope()?.getTracer(...args)) ?? ofProcess);
    return {
      startSpan: (...span) => tracer().startSpan(...span),
      // One implementation stands behind its overloads.
      startActiveSpan: (...span: unknown[]) => (tracer().startActiveSpan as (...span: unknown[]) => never)(...span),
    };
  }
}

function resourceOf(process: Resource, { service, instance }: TelemetryScope): Resource {
  return process.merge(resourceFromAttributes({ 'service.name': service, ...(instance && { 'service.instance.id': instance }) }));
}
