import { parseArgs } from 'node:util';
import { ClusterError, messageOf } from '@ballast/cluster';
import { type LogEntry, levels } from './log-entry.js';

export const logsHelp = `Usage: npm run logs -- NAME… [options]

  NAME               services, kafka, postgres or jaeger, several of them; all for every service
  -f, --follow       goes on with what is written from now on
  --since TIME       not what is older: 30s, 10m, 2h, 1d ago, or a time such as 2026-11-22T10:00:00
  --level LEVEL      not what is less: trace, debug, info, warn, error, fatal
  --trace ID         of one trace
  --json             the lines as they were written
  --home DIRECTORY   of a platform that keeps its data elsewhere than in .ballast
  --help`;

export interface LogsOptions {
  help: boolean;
  names: string[];
  follow: boolean;
  json: boolean;
  home?: string;
  /** Whether an entry is wanted. */
  wanted: (entry: LogEntry) => boolean;
}

/** @throws {ClusterError} for an option that cannot be understood */
export function parseLogs(args: readonly string[], now = Date.now()): LogsOptions {
  const { values, positionals } = parse(args);
  const { since, level, trace, home, help = false, follow = false, json = false } = values;
  const from = since === undefined ? -Infinity : parseSince(since, now);
  const least = level === undefined ? -Infinity : levels[level.toLowerCase()];
  if (least === undefined) throw new ClusterError(`--level must be one of ${Object.keys(levels).join(', ')}, not "${level}"`);
  return {
    ...{ help, follow, json, names: positionals.flatMap((name) => name.split(',')).filter(Boolean) },
    ...(home !== undefined && { home }),
    wanted: (entry) => entry.time >= from && entry.level >= least && (trace === undefined || entry.traceId === trace),
  };
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10m` before `now`, or a time: milliseconds since 1970. @throws {ClusterError} */
export function parseSince(text: string, now: number): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  if (count) return now - Number(count) * units[unit!]!;
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) throw new ClusterError(`--since must be like 30s, 10m, 2h, 1d or 2026-11-22T10:00:00, not "${text}"`);
  return time;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        follow: { type: 'boolean', short: 'f' },
        since: { type: 'string' },
        level: { type: 'string' },
        trace: { type: 'string' },
        json: { type: 'boolean' },
        home: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new ClusterError(`${messageOf(error).split('. ')[0]}; see --help`, { cause: error });
  }
}
