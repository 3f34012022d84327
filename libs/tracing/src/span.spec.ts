import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { captureContext, currentTraceId, currentTraceparent, inSpan, recordError, withContext } from './index.js';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
beforeAll(() => provider.register());
beforeEach(() => exporter.reset());
afterAll(() => provider.shutdown());

const finished = () => exporter.getFinishedSpans();

describe('a carrier', () => {
  test('is empty outside a span', () => {
    expect(captureContext()).toEqual({});
    expect(currentTraceId()).toBeUndefined();
    expect(currentTraceparent()).toBeUndefined();
  });

  test('takes a trace through a database row into another process', async () => {
    const row = await inSpan('checkout', {}, () => JSON.stringify(captureContext()));
    const carrier = JSON.parse(row) as Record<string, string>;
    expect(carrier['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    await withContext(carrier, () => inSpan('publish', {}, () => undefined));
    const [checkout, publish] = finished();
    expect(publish!.spanContext().traceId).toBe(checkout!.spanContext().traceId);
    expect(publish!.parentSpanContext?.spanId).toBe(checkout!.spanContext().spanId);
  });

  test('replaces the active context, even when it is empty', () =>
    inSpan('poll', {}, () => withContext({}, () => expect(currentTraceId()).toBeUndefined())));

  test.each([{ traceparent: 'nonsense' }, { traceparent: '' }])('that is broken starts a trace of its own: %j', (carrier) =>
    withContext(carrier, () => expect(trace.getSpanContext(context.active())).toBeUndefined()),
  );
});

describe('inSpan', () => {
  test('returns what the work returns and knows its own ids', async () => {
    const id = await inSpan('work', { attributes: { 'order.id': '1' } }, (span) => {
      expect(currentTraceparent()).toContain(span.spanContext().spanId);
      return currentTraceId();
    });
    expect(finished()[0]).toMatchObject({ name: 'work', attributes: { 'order.id': '1' }, ended: true });
    expect(id).toBe(finished()[0]!.spanContext().traceId);
  });

  test('records an error without what it carries, throws it on unchanged, and ends', async () => {
    const error = Object.assign(new Error('duplicate of ann@example.org'), {
      code: '23505',
      detail: 'Key (email)=(ann@example.org) exists',
    });
    await expect(inSpan('insert', {}, () => Promise.reject(error))).rejects.toBe(error);
    const [span] = finished();
    expect(span!.status).toEqual({ code: 2, message: 'duplicate of [redacted]' });
    expect(span!.attributes['error.type']).toBe('23505');
    expect(JSON.stringify(span!.events)).toContain('span.spec');
    expect(JSON.stringify([span!.events, span!.status, span!.attributes])).not.toContain('ann@');
  });

  test('an error is not even looked at in a trace that is not sampled', () => {
    const error = new Error('duplicate');
    const read = jest.fn(() => 'Error: duplicate');
    Object.defineProperty(error, 'stack', { get: read });
    const unsampled = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 0 });
    recordError(unsampled, error);
    expect(read).not.toHaveBeenCalled();
  });

  test('a synchronous throw and a thrown non-error count too', async () => {
    await expect(
      inSpan('work', {}, () => {
        throw 'refused';
      }),
    ).rejects.toBe('refused');
    expect(finished()[0]!.status).toEqual({ code: 2, message: 'refused' });
  });

  test('continues a carried trace and links the others', async () => {
    const [a, b] = await Promise.all([inSpan('a', {}, captureContext), inSpan('b', {}, captureContext)]);
    exporter.reset();
    await inSpan('batch', { parent: a, links: [b, {}] }, () => undefined);
    const [batch] = finished();
    expect(a['traceparent']).toContain(batch!.spanContext().traceId);
    expect(batch!.links.map((link) => link.context.traceId)).toEqual([b['traceparent']!.split('-')[1]]);
  });

  test('leaves no context behind', async () => {
    await inSpan('work', {}, () => undefined);
    expect(context.active()).toBe(ROOT_CONTEXT);
  });
});
