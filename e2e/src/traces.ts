import { eventually } from '@ballast/testing';
import { type Span, spans } from './platform.js';

/** OTLP's span kinds. */
export const [SERVER, PRODUCER, CONSUMER] = [2, 4, 5];

/**
 * The whole trace of a checkout, `own` being the caller's span. Each service exports by a clock of its own, so a child may come before its parent:
 * a trace is whole once its last step is there (the cart closes on `order.confirmed`) and no span waits for its parent.
 */
export function checkoutTrace(traceId: string, own: string): Promise<Span[]> {
  return eventually(async () => {
    const trace = (await spans()).filter((span) => span.traceId === traceId);
    const closes = ({ service, kind, name }: Span) => service === 'cart' && kind === CONSUMER && name.includes('order.events');
    if (!trace.some(closes)) throw new Error(`the cart has not closed in trace ${traceId}: ${trace.map(titleOf).join(', ')}`);
    const orphans = orphansOf(trace, own);
    if (orphans.length) throw new Error(`without their parents in trace ${traceId}: ${orphans.map(titleOf).join(', ')}`);
    return trace;
  });
}

/** Spans whose parent is neither in the trace nor the caller's own. */
function orphansOf(trace: Span[], own: string): Span[] {
  const ids = new Set([own, ...trace.map(({ spanId }) => spanId)]);
  return trace.filter(({ parentSpanId }) => parentSpanId && !ids.has(parentSpanId));
}

const titleOf = ({ service, name }: Span): string => `${service}: ${name}`;
