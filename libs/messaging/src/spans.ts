import { type Context, context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { WireRecord } from '@ballast/message';
import { PartlySentError } from './transport.js';

/** Records on their way out, each with a span of its own that continues the trace in which it was added. */
export interface Sending {
  /** The same records; where it is recorded their `traceparent` names the new span, so that the receiver continues from it. */
  readonly records: WireRecord[];
  end(error?: unknown): void;
}

/** Attributes by OpenTelemetry's semantic conventions for messaging. */
export function startSending(records: readonly WireRecord[]): Sending {
  const tracer = trace.getTracer('@ballast/messaging');
  const started = records.map((record): { record: WireRecord; span: Span } => {
    const parent: Context = propagation.extract(ROOT_CONTEXT, record.headers);
    const span = tracer.startSpan(
      `send ${record.topic}`,
      {
        kind: SpanKind.PRODUCER,
        attributes: {
          'messaging.system': 'kafka',
          'messaging.operation.type': 'send',
          'messaging.operation.name': 'send',
          'messaging.destination.name': record.topic,
          'messaging.kafka.message.key': record.key,
          'messaging.message.id': record.headers['ce_id'] ?? '',
          'ballast.message.type': record.headers['ce_type'] ?? '',
        },
      },
      parent,
    );
    // Nobody will see this span, so the receiver goes on from where the record was added. Without a trace it has to be told that none is recorded.
    if (!span.isRecording() && record.headers['traceparent']) return { record, span };
    const headers = { ...record.headers };
    propagation.inject(trace.setSpan(parent, span), headers);
    return { record: { ...record, headers }, span };
  });
  return {
    records: started.map(({ record }) => record),
    end(error) {
      const sent = new Set(error instanceof PartlySentError ? error.sent : []);
      for (const [place, { span }] of started.entries()) {
        if (error && !sent.has(place))
          span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'Error' });
        span.end();
      }
    },
  };
}

/** Runs what nobody asked for just now (a poll, a renewal) outside of every trace. */
export const untraced = <T>(fn: () => T): T => context.with(ROOT_CONTEXT, fn);
