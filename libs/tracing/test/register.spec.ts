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
