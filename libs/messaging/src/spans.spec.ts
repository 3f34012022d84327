import { propagation } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  NodeTracerProvider,
  ParentBasedSampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { startSending } from './spans.js';

const exporter = new InMemorySpanExporter();
/** Records what the sender had recorded, and begins nothing itself. */
const provider = new NodeTracerProvider({
  sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  spanProcessors: [new SimpleSpanProcessor(exporter)],
});
beforeAll(() => provider.register());
beforeEach(() => exporter.reset());
afterAll(async () => {
  propagation.disable();
  await provider.shutdown();
});

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const record = (flags?: string) => ({
  topic: 'shop.events',
  key: 'a',
  value: '{}',
  headers: { ce_id: '1', ...(flags && { traceparent: `00-${TRACE}-b7ad6b7169203331-${flags}` }) },
});

describe('a record on its way out', () => {
  it('of a trace that is recorded names the span of its sending, in a copy', () => {
    const original = record('01');
    const { records, end } = startSending([original]);
    end();
    const [span] = exporter.getFinishedSpans();
    expect(span!.spanContext().traceId).toBe(TRACE);
    expect(records[0]!.headers['traceparent']).toBe(`00-${TRACE}-${span!.spanContext().spanId}-01`);
    expect(original).toEqual(record('01'));
  });

  it('of a trace that is not recorded goes as it is', () => {
    const original = record('00');
    const { records, end } = startSending([original]);
    end();
    expect(records[0]).toBe(original);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('without a trace tells the receiver that none is recorded', () => {
    const { records } = startSending([record()]);
    expect(records[0]!.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });
});
