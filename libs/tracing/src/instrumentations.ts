import type { Instrumentation } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';

/** Requests of probes and of Prometheus would drown the traces of people. */
export function isProbe(url: string | undefined): boolean {
  return url !== undefined && /^\/(health|metrics)(\/|\?|$)/.test(url);
}

export function instrumentations(): Instrumentation[] {
  return [
    new HttpInstrumentation({
      ignoreIncomingRequestHook: (request) => isProbe(request.url),
      ignoreOutgoingRequestHook: (request) => isProbe(request.path ?? undefined),
    }),
    new UndiciInstrumentation({ ignoreRequestHook: (request) => isProbe(request.path) }),
    // Statements only, never their values; a poll that no request caused makes no trace of its own.
    new PgInstrumentation({ enhancedDatabaseReporting: false, requireParentSpan: true, ignoreConnectSpans: true }),
  ];
}
