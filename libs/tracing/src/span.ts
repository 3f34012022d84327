import { type Attributes, context, type Link, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { getRPCMetadata, RPCType } from '@opentelemetry/core';
import { type Carrier, contextOf } from './carrier.js';
import { scrub } from './redaction.js';

export interface SpanSettings {
  kind?: SpanKind;
  attributes?: Attributes;
  /** Continue the trace carried here instead of the active one. */
  parent?: Carrier;
  /** Traces that led here without being the parent, e.g. those of the other messages of a batch. */
  links?: readonly Carrier[];
}

/**
 * Runs `fn` inside a new span, which ends when the promise settles. An error is recorded (its message scrubbed of addresses
 * and tokens) and thrown on unchanged.
 */
export async function inSpan<T>(name: string, settings: SpanSettings, fn: (span: Span) => Promise<T> | T): Promise<T> {
  const parent = settings.parent ? contextOf(settings.parent) : context.active();
  const options = { kind: settings.kind ?? SpanKind.INTERNAL, attributes: settings.attributes ?? {}, links: linksOf(settings.links ?? []) };
  return trace.getTracer('@ballast/tracing').startActiveSpan(name, options, parent, async (span) => {
    try {
      return await fn(span);
    } catch (error) {
      recordError(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Names the server span of the HTTP request under way by its route, e.g. `PUT /cart/items/:sku`, instead of its method alone. */
export function setHttpRoute(route: string): void {
  const request = getRPCMetadata(context.active());
  if (request?.type === RPCType.HTTP) request.route = route;
}

/** Marks a span as failed. Its name, code, message and stack are kept, never an error's other fields: drivers put values there. */
export function recordError(span: Span, error: unknown): void {
  if (!span.isRecording()) return; // not sampled: nobody would read what is scrubbed here
  const { name, message, stack, code } = (error instanceof Error ? error : new Error(String(error))) as Error & { code?: unknown };
  const text = scrub(message);
  span.recordException({ name, message: text, ...(stack && { stack: scrub(stack) }) });
  span.setAttribute('error.type', typeof code === 'string' ? code : name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: text });
}

function linksOf(carriers: readonly Carrier[]): Link[] {
  return carriers.flatMap((carrier) => {
    const linked = trace.getSpanContext(contextOf(carrier));
    return linked ? [{ context: linked }] : [];
  });
}
