/** One line of a log. */
export interface LogEntry {
  source: string;
  /** Milliseconds since 1970. */
  time: number;
  /** pino's: 30 info, 40 warn, 50 error, 60 fatal. */
  level: number;
  traceId?: string;
  line: string;
  /** Whether it is one of a service's JSON lines. */
  json: boolean;
}

export const levels: Readonly<Record<string, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 };

/** What Kafka and Postgres call them. */
const words: Readonly<Record<string, number>> = { ...levels, log: 30, notice: 30, warning: 40, panic: 60 };
const stamped = /^\[?(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)[.,](\d{3})\]?( UTC)?/;
const word = /\b(TRACE|DEBUG|INFO|WARN|ERROR|FATAL|LOG|NOTICE|WARNING|PANIC)\b/;

/** Makes entries of the lines of one log. A line without a time of its own belongs to the one before it. */
export function entryReader(source: string): (line: string) => LogEntry {
  let last = { time: 0, level: levels['info']! };
  return (line) => {
    const json = parsed(line);
    if (json) {
      const traceId = json['trace_id'];
      last = { time: Date.parse(String(json['time'])) || last.time, level: levels[String(json['level'])] ?? last.level };
      return { source, ...last, line, json: true, ...(typeof traceId === 'string' && { traceId }) };
    }
    const [, day, clock, ms, utc] = stamped.exec(line) ?? [];
    if (day)
      last = {
        time: Date.parse(`${day}T${clock}.${ms}${utc ? 'Z' : ''}`),
        level: words[word.exec(line)?.[1]!.toLowerCase() ?? ''] ?? last.level,
      };
    // What a service writes past its logger comes from Node: a warning, or why it ended.
    else if (line && source !== 'kafka' && source !== 'postgres') return { source, ...last, level: levels['warn']!, line, json: false };
    return { source, ...last, line, json: false };
  };
}

function parsed(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
