import { logger, shutdownTelemetry } from '@ballast/tracing';
import { type BaseConfig, ConfigError } from './config.js';
import type { RunningService } from './start-service.js';
import { StartupError } from './startup.js';

/** A shutdown that hangs is ended by force, before a supervisor would. */
const SHUTDOWN_LIMIT = 25_000;

/** An error nobody caught is logged, exit 1: what state it left behind is unknown, and a supervisor starts a clean process. */
export function dieOfUncaught(): void {
  process.on('uncaughtException', (error) => die(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => die(error, 'unhandled rejection'));
}

/** Stops gracefully on SIGTERM, SIGINT or when the parent that started this process is gone. */
export function stopOn(starting: Promise<{ close(): Promise<unknown> }>): void {
  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    logger().info({ reason }, 'stopping');
    setTimeout(() => die(new Error(`still running after ${SHUTDOWN_LIMIT / 1000} s`), 'shutdown took too long'), SHUTDOWN_LIMIT).unref();
    starting
      .then((running) => running.close())
      .then(shutdownTelemetry)
      .then(
        () => process.exit(0),
        (error: unknown) => die(error, 'shutdown failed'),
      );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  // Started by a supervisor: its end, even by kill -9, closes the channel, and nobody is left to stop us.
  if (process.send) process.on('disconnect', () => stop('parent gone'));
}

/** Reads a configuration. A mistake in it is printed in one block, exit 1. */
export function readOrExit<C extends BaseConfig>(read: () => C): C {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** A service that cannot start, or cannot be made ready, ends the process with a line that says why. */
export async function startedOrExit(
  starting: Promise<RunningService>,
  { manifest, port, instanceId }: BaseConfig,
): Promise<RunningService> {
  const service = await starting.catch((error: unknown) => {
    const busy = (error as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
    die(error, busy ? `port ${port} is taken: another ${manifest.name} may be running` : 'could not start');
  });
  service.ready.catch((error: unknown) =>
    error instanceof StartupError
      ? die(error.cause, `start-up work failed: ${error.task}`)
      : die(error, 'the database could not be made ready'),
  );
  logger().info({ url: service.url, instance: instanceId }, 'listening');
  return service;
}

function die(error: unknown, message: string): never {
  logger().fatal({ err: error }, message);
  process.exit(1);
}
