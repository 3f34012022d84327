import { CommitUnknownError, isTransient, isUnavailable } from '@ballast/database';
import { BreakerOpenError, BulkheadFullError, DeadlineExceededError } from '@ballast/resilience';
import { HttpException } from '@nestjs/common';
import { platformErrors } from './platform.errors.js';
import { ProblemError } from './problem.js';

const RETRY_SECONDS = 2;

const byFastifyCode: Record<string, () => ProblemError> = {
  FST_ERR_CTP_BODY_TOO_LARGE: platformErrors.PAYLOAD_TOO_LARGE,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: platformErrors.UNSUPPORTED_MEDIA_TYPE,
  FST_ERR_HANDLER_TIMEOUT: () => platformErrors.OUTCOME_UNKNOWN().retryAfter(RETRY_SECONDS),
  FST_ERR_MAX_PARAM_LENGTH: platformErrors.URI_TOO_LONG,
};

const byStatus: Record<number, () => ProblemError> = {
  401: platformErrors.UNAUTHENTICATED,
  403: platformErrors.FORBIDDEN,
  404: platformErrors.NOT_FOUND,
  408: platformErrors.REQUEST_TIMEOUT,
  409: platformErrors.CONFLICT,
  413: platformErrors.PAYLOAD_TOO_LARGE,
  414: platformErrors.URI_TOO_LONG,
  415: platformErrors.UNSUPPORTED_MEDIA_TYPE,
  429: () => platformErrors.TOO_MANY_REQUESTS().retryAfter(RETRY_SECONDS),
  431: platformErrors.HEADERS_TOO_LARGE,
  503: () => platformErrors.UNAVAILABLE().retryAfter(RETRY_SECONDS),
};

/** What a caller is told of an error. Of one that is not meant for callers nothing is: 500 `INTERNAL`. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof CommitUnknownError) return platformErrors.OUTCOME_UNKNOWN().retryAfter(1);
  if (isUnavailable(error) || error instanceof BreakerOpenError || error instanceof DeadlineExceededError)
    return platformErrors.UNAVAILABLE().retryAfter(RETRY_SECONDS);
  if (error instanceof BulkheadFullError || isTransient(error)) return platformErrors.OVERLOADED().retryAfter(1);
  if (error instanceof HttpException) return ofStatus(error.getStatus());
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  if (typeof code === 'string' && code.startsWith('FST_')) return byFastifyCode[code]?.() ?? ofStatus(Number(statusCode));
  return platformErrors.INTERNAL();
}

function ofStatus(status: number): ProblemError {
  const known = byStatus[status];
  if (known) return known();
  return status >= 400 && status < 500 ? platformErrors.BAD_REQUEST() : platformErrors.INTERNAL();
}
