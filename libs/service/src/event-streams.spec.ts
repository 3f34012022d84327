import type { Readable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { createLogger } from '@ballast/tracing';
import { EventStreams } from './event-streams.js';

// A dropped client is logged.
beforeAll(() => createLogger({ service: 'sample', level: 'silent' }));

const caller = (expiresIn = 600_000) => ({ accountId: 'a', roles: [], expiresAt: new Date(Date.now() + expiresIn) });
const event = (id: number, text = 'x') => ({ id, event: 'history', data: { text } });

/** What has come so far, to a client that reads. */
function reading(stream: Readable): { text: string } {
  const got = { text: '' };
  stream.on('data', (chunk: Buffer) => (got.text += chunk.toString()));
  return got;
}

describe('event streams', () => {
  let streams: EventStreams;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    streams = new EventStreams();
  });
  afterEach(() => jest.useRealTimers());
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  it('tell a client when to come again, then each event with its id', async () => {
    const stream = streams.open(caller());
    const got = reading(stream);
    stream.send(event(7));
    stream.send({ event: 'status', data: { status: 'CONFIRMED' } });
    stream.finish();
    await turn();
    const [retry, ...rest] = got.text.split('\n\n');
    expect(Number(/^retry: (\d+)$/.exec(retry!)?.[1])).toBeGreaterThanOrEqual(500);
    expect(rest).toEqual(['id: 7\nevent: history\ndata: {"text":"x"}', 'event: status\ndata: {"status":"CONFIRMED"}', '']);
    expect(stream.destroyed).toBe(true);
  });

  it('send a comment every 15 s, with one timer for all', async () => {
    const got = [1, 2, 3].map(() => reading(streams.open(caller())));
    await turn();
    expect(jest.getTimerCount()).toBe(1);
    for (let beat = 1; beat <= 3; beat++) {
      jest.advanceTimersByTime(15_000);
      await turn();
      for (const { text } of got) expect(text.match(/^:$/gm)).toHaveLength(beat);
    }
  });

  it('end when the caller’s access token has expired', async () => {
    const [short, long] = [streams.open(caller(20_000)), streams.open(caller())];
    for (const stream of [short, long]) stream.resume();
    jest.advanceTimersByTime(15_000);
    await turn();
    expect(short.destroyed).toBe(false);
    jest.advanceTimersByTime(15_000);
    await turn();
    expect([short.destroyed, long.destroyed]).toEqual([true, false]);
  });

  it('drop a client that does not read when too much waits for it', () => {
    const stream = streams.open(caller());
    let sent = 0;
    while (!stream.destroyed && sent < 1_000) stream.send(event(++sent, 'y'.repeat(1_000)));
    expect(sent).toBeLessThan(70);
  });

  it('drop a client that has read nothing for a whole period, however little waits', async () => {
    const [stalled, reader] = [streams.open(caller()), streams.open(caller())];
    reader.resume();
    for (let beat = 0; beat < 2; beat++) {
      expect(stalled.destroyed).toBe(false);
      jest.advanceTimersByTime(15_000);
      await turn();
    }
    expect([stalled.destroyed, reader.destroyed]).toEqual([true, false]);
  });

  it('drop a client that does not read the end', async () => {
    const stream = streams.open(caller());
    stream.finish();
    jest.advanceTimersByTime(4_900);
    expect(stream.destroyed).toBe(false);
    jest.advanceTimersByTime(200);
    expect(stream.destroyed).toBe(true);
  });

  it('leave nothing behind when clients come and go', async () => {
    for (let i = 0; i < 500; i++) {
      const stream = streams.open(caller());
      stream.pipe(new PassThrough());
      if (i % 2) stream.destroy();
      else stream.finish();
    }
    await turn();
    await turn();
    expect((streams as unknown as { streams: Set<unknown> }).streams.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('all end when the service stops, and no new one begins', async () => {
    const open = [1, 2].map(() => streams.open(caller()));
    for (const stream of open) stream.resume();
    streams.close();
    await turn();
    expect(open.map((stream) => stream.destroyed)).toEqual([true, true]);
    expect(streams.closing.aborted).toBe(true);
    expect(() => streams.open(caller())).toThrow(expect.objectContaining({ status: 503, headers: { 'retry-after': '1' } }));
  });
});
