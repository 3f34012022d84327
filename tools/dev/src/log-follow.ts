import { setTimeout as sleep } from 'node:timers/promises';
import { entryReader, type LogEntry } from './log-entry.js';
import { formatEntry, type LogStyle } from './log-format.js';
import { mergeByTime } from './log-merge.js';
import type { LogFile } from './log-sources.js';
import { LogTail } from './log-tail.js';

/** Between two looks at the files, ms. */
const interval = 200;

/** Several logs as one. */
export class LogReader {
  readonly #logs: { tail: LogTail; read: (line: string) => LogEntry }[];

  constructor(files: readonly LogFile[]) {
    this.#logs = files.map(({ source, path }) => ({ tail: new LogTail(path), read: entryReader(source) }));
  }

  /** Passes over what is there by now. */
  async skip(): Promise<void> {
    await Promise.all(this.#logs.map(({ tail }) => tail.skip()));
  }

  /** What was written since the last time, by time. */
  entries(): AsyncGenerator<LogEntry> {
    return mergeByTime(
      this.#logs.map(async function* ({ tail, read }) {
        for await (const line of tail.lines()) if (line) yield read(line);
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#logs.map(({ tail }) => tail.close()));
  }
}

/** Hands on what is written to logs from now on, until it is stopped. */
export function followLogs(files: readonly LogFile[], { print, ...style }: { print: (line: string) => void } & LogStyle): { stop(): void } {
  const stopping = new AbortController();
  const reader = new LogReader(files);
  void (async () => {
    await reader.skip();
    await follow(reader, stopping.signal, (entry) => print(formatEntry(entry, style)));
    await reader.close();
  })();
  return { stop: () => stopping.abort() };
}

/** Hands on what is written, again and again. */
export async function follow(reader: LogReader, signal: AbortSignal, hand: (entry: LogEntry) => void): Promise<void> {
  while (!signal.aborted) {
    for await (const entry of reader.entries()) hand(entry);
    await sleep(interval, undefined, { signal }).catch(() => undefined);
  }
}
