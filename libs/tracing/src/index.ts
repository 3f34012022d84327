export { type Attributes, type Span, SpanKind } from '@opentelemetry/api';
export { captureContext, type Carrier, currentTraceId, currentTraceparent, withContext } from './carrier.js';
export { createLogger, type Logger, logger, type LoggerSettings } from './logger.js';
export { type Counter, counter, type Gauge, gauge, type Histogram, histogram, metricsContentType, metricsText } from './metrics.js';
export { isSecretKey, redact, scrub } from './redaction.js';
export { bindTelemetryScope, inTelemetryScope, perScope, type TelemetryScope, telemetryScope } from './scope.js';
export { shutdownTelemetry } from './shutdown.js';
export { inSpan, recordError, setHttpRoute, type SpanSettings } from './span.js';
