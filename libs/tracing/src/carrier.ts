import { context, type Context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';

/** A trace context as plain strings (W3C `traceparent`, `tracestate`, `baggage`): what an outbox row or a Kafka record carries. */
export type Carrier = Record<string, string>;

/** The active context, to be stored beside a message and taken up later by `withContext`. Empty when there is none. */
export function captureContext(): Carrier {
  const carrier: Carrier = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** Runs `fn` in the carried context and in nothing else: what the caller happens to be in does not leak into the stored trace. */
export function withContext<T>(carrier: Carrier, fn: () => T): T {
  return context.with(contextOf(carrier), fn);
}

/** 32 hex digits; undefined outside a span. */
export function currentTraceId(): string | undefined {
  return trace.getSpanContext(context.active())?.traceId;
}

/** The W3C header of the active span; undefined outside one. */
export function currentTraceparent(): string | undefined {
  return captureContext()['traceparent'];
}

export function contextOf(carrier: Carrier): Context {
  return propagation.extract(ROOT_CONTEXT, carrier);
}
