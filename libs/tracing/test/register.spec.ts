import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type ReceivedSpan, type SpanReceiver, spanReceiver } from '../src/testing.js';

const project = join(__dirname, '..');
const root = join(project, '../..');

jest.setTimeout(30_000);

interface Answer {
  traceparent?: string;
  received?: string;
  exporters: number;
  next: Answer[];
}

const started: ChildProcess[] = [];

class Hop {
  log = '';
  url = '';
  private constructor(private readonly child: ChildProcess) {
    started.push(child);
    child.stdout!.on('data', (chunk) => (this.log += String(chunk)));
  }

  static async start(service: string, env: Record<string, string>): Promise<Hop> {
    const hop = new Hop(
      fork(join(project, 'test/fixtures/hop.mjs'), {
        cwd: project,
        execArgv: ['--import', '@ballast/tracing/register'],
        env: { PATH: process.env['PATH'], OTEL_SERVICE_NAME: service, ...env },
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      }),
    );
    const [message] = (await once(hop.child, 'message')) as [{ url: string }];
    hop.url = message.url;
    return hop;
  }

  async get(path: string): Promise<Answer> {
    return (await (await fetch(this.url + path)).json()) as Answer;
  }

  lines(): Record<string, unknown>[] {
    return this.log.split('\n').flatMap((line) => (line ? [JSON.parse(line) as Record<string, unknown>] : []));
  }

  async stop(): Promise<void> {
    const ended = Promise.all([once(this.child, 'exit'), once(this.child.stdout!, 'end')]);
    this.child.disconnect();
    await ended;
  }
}

let collector: SpanReceiver;

// What ships is tried, so it is compiled first.
beforeAll(async () => {
  execFileSync(process.execPath, [join(root, 'node_modules/typescript-native/bin/tsc'), '-b', join(project, 'tsconfig.lib.json')]);
  collector = await spanReceiver();
}, 60_000);
// Whatever a failed test leaves running.
afterEach(() => started.splice(0).forEach((child) => child.kill('SIGKILL')));
afterAll(() => collector.close());

test('one trace over two processes, by fetch and by http, from ES modules, with its id in both logs', async () => {
  // So long a delay that only the flush at shutdown can have sent the spans.
  const env = { ...collector.env, OTEL_BSP_SCHEDULE_DELAY: '600000' };
  const second = await Hop.start('second', env);
  const first = await Hop.start('first', { ...env, NEXT: second.url });
  await first.get('/health/ready');
  await first.get('/metrics');
  await first.get('/hop/1');
  expect(collector.spans()).toEqual([]);
  await first.stop();
  await second.stop();

  const spans = collector.spans();
  const traceId = spans[0]!.traceId;
  expect(chains(spans)).toEqual([
    'first GET /hop/:id',
    'first GET /hop/:id > first GET > second GET /hop/:id',
    'first GET /hop/:id > first GET > second GET /hop/:id',
  ]);
  expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
  expect(JSON.stringify(spans)).not.toContain('very-secret');

  const served = [...first.lines(), ...second.lines()].filter((line) => String(line['path']).startsWith('/hop'));
  expect(served).toHaveLength(3);
  const ids = new Set(spans.map((span) => span.spanId));
  for (const line of served)
    expect(line).toMatchObject({ trace_id: traceId, msg: 'serving', level: 'info', headers: { host: expect.any(String) } });
  for (const line of served) expect(ids).toContain(line['span_id']);
  expect(first.log + second.log).not.toContain('very-secret');
});

test('two services in one process: one trace in which each span, log line and metric is its own service’s', async () => {
  const child = fork(join(project, 'test/fixtures/together.mjs'), {
    cwd: project,
    execArgv: ['--import', '@ballast/tracing/register'],
    env: { PATH: process.env['PATH'], OTEL_SERVICE_NAME: 'process', ...collector.env, OTEL_BSP_SCHEDULE_DELAY: '600000' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  started.push(child);
  let log = '';
  child.stdout!.on('data', (chunk) => (log += String(chunk)));
  const [{ urls }] = (await once(child, 'message')) as [{ urls: Record<'first' | 'second', string> }];
  const traceId = 'aaaabbbbccccddddeeeeffff00001111';
  const traceparent = `00-${traceId}-0123456789abcdef-01`;
  // Twice, so that both inner calls use a connection again which the other service's scope has seen.
  for (let i = 0; i < 2; i++) await (await fetch(urls.first, { headers: { traceparent } })).text();
  const metrics = await Promise.all(['first', 'second'].map(async (name) => (await fetch(`${urls[name as 'first']}/metrics`)).text()));
  const ended = Promise.all([once(child, 'exit'), once(child.stdout!, 'end')]);
  child.disconnect();
  await ended;

  const spans = collector.spans().filter((span) => span.traceId === traceId);
  const inner = 'first GET /first > first GET > second GET /second';
  expect(chains(spans)).toEqual(['first GET /first', inner, inner, 'first GET /first', inner, inner].sort());
  expect(collector.spans().filter(({ service }) => service === 'process')).toEqual([]);
  expect(metrics[0]).toMatch(/^served_total\{by="first"\} 2$/m);
  expect(metrics[0]).not.toContain('by="second"');
  expect(metrics[1]).toMatch(/^served_total\{by="second"\} 4$/m);
  const lines = log.split('\n').flatMap((line) => (line ? [JSON.parse(line) as Record<string, unknown>] : []));
  const byId = new Map(spans.map((span) => [span.spanId, span.service]));
  expect(lines.map((line) => line['service']).sort()).toEqual(['first', 'first', 'second', 'second', 'second', 'second']);
  for (const line of lines) expect(line['service']).toBe(byId.get(String(line['span_id'])));
});

test('without an endpoint nothing is exported and no exporter loaded, but the trace is carried all the same', async () => {
  const second = await Hop.start('second', {});
  const first = await Hop.start('first', { NEXT: second.url });
  const answer = await first.get('/hop/1');
  await Promise.all([first.stop(), second.stop()]);
  const id = /^00-([0-9a-f]{32})-[0-9a-f]{16}-01$/.exec(answer.traceparent!)?.[1];
  expect(id).toBeDefined();
  for (const next of answer.next) expect(next.received).toContain(id);
  expect(answer.exporters).toBe(0);
});

test('OTEL_SDK_DISABLED turns it off', async () => {
  const hop = await Hop.start('only', { ...collector.env, OTEL_SDK_DISABLED: 'true' });
  const answer = await hop.get('/hop/1');
  await hop.stop();
  expect(answer).toMatchObject({ exporters: 0 });
  expect(answer.traceparent).toBeUndefined();
});

test('a caller who decided not to sample is followed', async () => {
  const hop = await Hop.start('unsampled', { ...collector.env });
  await fetch(`${hop.url}/hop/1`, { headers: { traceparent: '00-0123456789abcdef0123456789abcdef-0123456789abcdef-00' } });
  await hop.stop();
  expect(collector.spans().filter((span) => span.service === 'unsampled')).toEqual([]);
});

/** The way from the root to every server span, in words. */
function chains(spans: ReceivedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const way = (span: ReceivedSpan): string => {
    const parent = span.parentSpanId && byId.get(span.parentSpanId);
    return `${parent ? `${way(parent)} > ` : ''}${span.service} ${span.name}`;
  };
  return spans
    .filter((span) => span.kind === 2)
    .map(way)
    .sort();
}
