import { logger } from '@ballast/tracing';
import type { LoggerService } from '@nestjs/common';

/** What Nest itself says goes to the service's log: its start-up chatter as debug. */
export const nestLogger: LoggerService = {
  log: (message: unknown, context?: unknown) => logger().debug({ context }, String(message)),
  debug: (message: unknown, context?: unknown) => logger().debug({ context }, String(message)),
  verbose: (message: unknown, context?: unknown) => logger().trace({ context }, String(message)),
  warn: (message: unknown, context?: unknown) => logger().warn({ context }, String(message)),
  error: (message: unknown, stack?: unknown, context?: unknown) =>
    logger().error(message instanceof Error ? { err: message, context } : { context, stack }, String(message)),
};
