import { logTail } from '@ballast/testing';

/**
 * Why a service ended, from its log: the message of its last fatal entry, else the last lines that are no JSON
 * (a mistake in its configuration, an error before its logger was there), else nothing.
 */
export function lastWords(logFile: string): string {
  const lines = logTail(logFile, 40).split('\n');
  const fatal = lines.map(entryOf).findLast((entry) => entry?.level === 'fatal');
  if (fatal) return [fatal.msg, fatal.err?.message.split('\n')[0]].filter(Boolean).join(': ');
  return lines
    .filter((line) => line && !entryOf(line))
    .slice(-8)
    .join('\n');
}

interface Entry {
  level?: string;
  msg?: string;
  err?: { message: string };
}

function entryOf(line: string): Entry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? entry : undefined;
  } catch {
    return undefined;
  }
}
