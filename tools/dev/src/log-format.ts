import { styleText } from 'node:util';
import { prettyLine } from '@ballast/tracing/pretty';
import { type LogEntry, levels } from './log-entry.js';

export interface LogStyle {
  /** The lines as they are; what is no JSON is wrapped. */
  json?: boolean;
  colour?: boolean;
}

/** An entry for a person, or as JSON for a program. */
export function formatEntry(entry: LogEntry, { json = false, colour = false }: LogStyle = {}): string {
  if (json)
    return entry.json ? entry.line : JSON.stringify({ time: new Date(entry.time).toISOString(), service: entry.source, msg: entry.line });
  const text = entry.json ? prettyLine(entry.line).trimEnd() : `${entry.source}  ${entry.line}`;
  return colour ? coloured(text, entry.level) : text;
}

function coloured(text: string, level: number): string {
  if (level >= levels['error']!) return styleText('red', text);
  if (level >= levels['warn']!) return styleText('yellow', text);
  return level < levels['info']! ? styleText('dim', text) : text;
}
