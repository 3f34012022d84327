import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryReader } from './log-entry.js';
import { formatEntry } from './log-format.js';
import { mergeByTime } from './log-merge.js';
import { logNames } from './log-sources.js';
import { LogTail } from './log-tail.js';
import { parseLogs, parseSince } from './logs-options.js';

const line = (level: string, time: string, more: object = {}) => JSON.stringify({ level, time, service: 'cart', ...more, msg: 'hello' });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('several logs', () => {
  it('become one in order of time, whatever their lengths', async () => {
    const stream = async function* (...times: number[]) {
      for (const time of times) yield { time };
    };
    const merged = await all(mergeByTime([stream(1, 4, 4, 9), stream(), stream(2, 3, 10), stream(5)]));
    expect(merged.map(({ time }) => time)).toEqual([1, 2, 3, 4, 4, 5, 9, 10]);
  });

  it('are known by name; another is refused with those there are', () => {
    expect(logNames(['order', 'kafka', 'order'], ['cart', 'order'])).toEqual(['order', 'kafka']);
    expect(logNames(['all'], ['cart', 'order'])).toEqual(['cart', 'order', 'services']);
    expect(() => logNames(['crat'], ['cart', 'order'])).toThrow('There is no "crat": one of cart, order, kafka, postgres');
  });
});

describe('a line', () => {
  it('of a service has its time, level and trace, and is shown readable', () => {
    const entry = entryReader('cart')(line('warn', '2026-11-22T10:00:00.123Z', { trace_id: 'abc', sku: 'sku-001' }));
    expect(entry).toMatchObject({ time: Date.parse('2026-11-22T10:00:00.123Z'), level: 40, traceId: 'abc', json: true });
    expect(formatEntry(entry)).toBe('10:00:00.123 WARN  cart  hello sku=sku-001');
    expect(formatEntry(entry, { json: true })).toBe(entry.line);
  });

  it('without a time belongs to the one before it; past the logger it is a warning', () => {
    const read = entryReader('cart');
    const { time } = read(line('info', '2026-11-22T10:00:00.000Z'));
    expect(read('Error: boom')).toMatchObject({ time, level: 40, json: false });
  });

  it('of Postgres and Kafka has its own form', () => {
    expect(entryReader('postgres')('2026-11-22 16:46:19.423 UTC [1] FATAL:  no')).toMatchObject({
      time: Date.parse('2026-11-22T16:46:19.423Z'),
      level: 60,
    });
    const kafka = entryReader('kafka');
    expect(kafka('2026-11-22 16:46:19,423 ERROR no')).toMatchObject({ time: new Date('2026-11-22T16:46:19.423').getTime(), level: 50 });
    expect(kafka('\tat java')).toMatchObject({ level: 50 });
  });
});

describe('options', () => {
  const now = Date.parse('2026-11-22T10:00:00Z');
  it('since when', () => {
    expect(['30s', '10m', '1.5h', '1d'].map((text) => now - parseSince(text, now))).toEqual([30_000, 600_000, 5_400_000, 86_400_000]);
    expect(parseSince('2026-11-22T09:00:00Z', now)).toBe(now - 3_600_000);
    for (const bad of ['10', 'm', 'yesterday', '10 m', '2026-13-77']) expect(() => parseSince(bad, now)).toThrow('--since must be like');
  });

  it('filter by time, level and trace', () => {
    const { wanted, names } = parseLogs(['cart,order', 'psp', '--since', '1m', '--level', 'WARN', '--trace', 'abc'], now);
    const entry = { source: 'cart', time: now, level: 40, traceId: 'abc', line: '', json: true };
    expect(names).toEqual(['cart', 'order', 'psp']);
    expect([entry, { ...entry, time: now - 61_000 }, { ...entry, level: 30 }, { ...entry, traceId: 'x' }].map(wanted)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(() => parseLogs(['--level', 'loud'])).toThrow('--level must be one of trace');
  });
});

describe('a log that grows', () => {
  let directory: string;
  let path: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-logs-'));
    path = join(directory, 'cart.log');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('is read on after it was missing, cut off in a line, emptied and put aside', async () => {
    const tail = new LogTail(path);
    const read = () => all(tail.lines());
    expect(await read()).toEqual([]);
    writeFileSync(path, 'one\ntw');
    expect(await read()).toEqual(['one']);
    appendFileSync(path, 'o\nthree\n');
    expect(await read()).toEqual(['two', 'three']);
    truncateSync(path);
    writeFileSync(path, 'four\n');
    expect(await read()).toEqual(['four']);
    appendFileSync(path, 'five\n');
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, 'six\n');
    writeFileSync(path, 'seven\n');
    expect(await read()).toEqual(['five', 'six', 'seven']);
    appendFileSync(path, 'eight\n');
    expect(await read()).toEqual(['eight']);
    await tail.close();
  });
});
