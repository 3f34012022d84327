const SHOWN = new Set(['time', 'level', 'service', 'msg', 'trace_id', 'span_id', 'err']);

/** A JSON log line for human eyes: `12:00:00.000 INFO cart  message  key=value`, the stack of an error below it. */
export function prettyLine(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown> & { err?: { stack?: string; message?: string } };
  const time = String(entry['time']).slice(11, 23);
  const level = String(entry['level']).toUpperCase().padEnd(5);
  const fields = Object.entries(entry)
    .filter(([key]) => !SHOWN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const head = [time, level, entry['service'], '', entry['msg'] ?? '', ...fields].join(' ').trimEnd();
  const error = entry.err?.stack ?? entry.err?.message;
  return error ? `${head}\n${error}\n` : `${head}\n`;
}
