import { context, trace } from '@opentelemetry/api';
import { type DestinationStream, pino, type Logger } from 'pino';
import { prettyLine } from './pretty.js';
import { redact, scrub } from './redaction.js';
import { perScope, type TelemetryScope, telemetryScope } from './scope.js';

export type { Logger };

export interface LoggerSettings {
  service: string;
  /** pino's levels, `info` by default. */
  level?: string;
  /** One readable line instead of JSON. */
  pretty?: boolean;
  /** Where lines go; standard output by default. */
  destination?: { write(line: string): void };
}

const made = perScope((): { logger?: Logger } => ({}));

/**
 * A logger of one JSON line per entry, with `service`, and `trace_id` and `span_id` inside a span. Fields whose names speak of
 * passwords, tokens, authorisation or e-mail are replaced at every depth, and what looks like one is replaced in any text.
 * The last one made is the logger of the process, or of the telemetry scope it is made in.
 */
export function createLogger(settings: LoggerSettings): Logger {
  const created = pino(
    {
      level: settings.level ?? 'info',
      base: { service: settings.service },
      messageKey: 'msg',
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: traceFields,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redact(fields) as Record<string, unknown>,
      },
      serializers: { err: redact },
      hooks: { streamWrite: (line) => scrub(settings.pretty ? prettyLine(line) : line) },
    },
    settings.destination ?? destinationOf(telemetryScope()?.logs),
  );
  // pino drops the formatter of bindings in children, so what a child is given is redacted on its way in.
  const { child } = created;
  created.child = function (this: Logger, bindings, options) {
    return child.call(this, redact(bindings) as typeof bindings, options) as never;
  };
  made().logger = created;
  return created;
}

function destinationOf(logs: TelemetryScope['logs']): DestinationStream {
  return typeof logs === 'object' ? logs : pino.destination(logs ? { dest: logs, append: true, mode: 0o600, sync: true } : 1);
}

/** The logger of the process, or of the telemetry scope. Ask at each use rather than at module load: it is made by the bootstrap; before that it shows warnings only. */
export function logger(): Logger {
  return made().logger ?? createLogger({ service: 'ballast', level: 'warn' });
}

function traceFields(): Record<string, string> {
  const active = trace.getSpanContext(context.active());
  return active ? { trace_id: active.traceId, span_id: active.spanId } : {};
}
