import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { bindTelemetryScope, counter, createLogger, gauge, inTelemetryScope, logger, metricsText, perScope } from './index.js';
import { ScopedTracerProvider } from './scoped-provider.js';

const one = { service: 'one', instance: 'one-0' };
const two = { service: 'two' };

test('metrics: each scope shows its own, and all those of the process', async () => {
  inTelemetryScope(one, () => counter('test_made_total', 'x').inc(1));
  inTelemetryScope(two, () => counter('test_made_total', 'x').inc(2));
  inTelemetryScope(two, () => gauge('test_asked', 'x', [], (g) => g.set(2)));
  const texts = await Promise.all([inTelemetryScope(one, metricsText), inTelemetryScope(two, metricsText), metricsText()]);
  expect(texts[0]).toContain('test_made_total 1');
  expect(texts[0]).not.toContain('test_asked');
  expect(texts[1]).toMatch(/test_made_total 2[^]*test_asked 2/);
  expect(texts[2]).not.toContain('test_');
  for (const text of texts) expect(text).toContain('process_resident_memory_bytes');
});

test('a gauge of one name has a collector in each scope', async () => {
  for (const [scope, value] of [
    [one, 11],
    [two, 22],
  ] as const)
    inTelemetryScope(scope, () => gauge('test_both', 'x', [], (g) => g.set(value)));
  expect(await inTelemetryScope(one, metricsText)).toContain('test_both 11');
  expect(await inTelemetryScope(two, metricsText)).toContain('test_both 22');
});

test('logs: each scope has its logger, and writes where it says', () => {
  const lines: string[] = [];
  const outside = { write: (line: string) => void lines.push(`process: ${line}`) };
  const logs = { write: (line: string) => void lines.push(line) };
  createLogger({ service: 'process', destination: outside });
  inTelemetryScope({ ...one, logs }, () => {
    createLogger({ service: 'one' });
    logger().info('inside');
  });
  logger().info('outside');
  expect(lines).toEqual([
    expect.stringMatching(/^\{.*"service":"one".*"msg":"inside"/),
    expect.stringMatching(/^process: .*"service":"process".*"msg":"outside"/),
  ]);
});

test('spans: each gets the resource of the scope it begins in, from a tracer made outside', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new ScopedTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'process', 'host.name': 'here' }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('test');
  tracer.startSpan('in none').end();
  const left = inTelemetryScope(one, () => tracer.startActiveSpan('in one', (span) => span));
  inTelemetryScope(two, () => tracer.startActiveSpan('in two', {}, trace.setSpan(ROOT_CONTEXT, left), (span) => span.end()));
  inTelemetryScope(two, () => left.end());
  const ended = exporter.getFinishedSpans().map(({ name, resource: { attributes } }) => [name, attributes]);
  expect(Object.fromEntries(ended)).toEqual({
    'in none': { 'service.name': 'process', 'host.name': 'here' },
    'in one': { 'service.name': 'one', 'service.instance.id': 'one-0', 'host.name': 'here' },
    'in two': { 'service.name': 'two', 'host.name': 'here' },
  });
  await provider.shutdown();
});

const here = perScope((scope) => scope?.service ?? 'process');

test('a server that was told to listen in a scope answers in it, whoever calls, on every request of a connection', async () => {
  const server = await inTelemetryScope(one, async () => {
    const listening = createServer((_, response) => setTimeout(() => response.end(here()), 1)).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    return listening;
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async () => [await (await fetch(url)).text(), here()];
  expect([await inTelemetryScope(two, ask), await inTelemetryScope(two, ask), await ask()]).toEqual([
    ['one', 'two'],
    ['one', 'two'],
    ['one', 'process'],
  ]);
  server.closeAllConnections();
  server.close();
});

test('a bound function runs in the scope it was bound in, one that was bound in none where it is called', async () => {
  const inOne = inTelemetryScope(one, () => bindTelemetryScope(async (what: string) => `${what} ${await Promise.resolve(here())}`));
  const inNone = bindTelemetryScope(here);
  expect(await inTelemetryScope(two, () => inOne('runs in'))).toBe('runs in one');
  expect(inTelemetryScope(two, inNone)).toBe('two');
});
