import { createLogger, logger, shutdownTelemetry } from '@ballast/tracing';
import type { Type } from '@nestjs/common';
import { type BaseConfig, ConfigError } from './config.js';
import { type RunningService, startService } from './start-service.js';
import type { ServiceParts } from './service.module.js';
import { StartupError } from './startup.js';

/** A shutdown that hangs is ended by force, before a supervisor would. */
const SHUTDOWN_LIMIT = 25_000;

/**
 * Runs a service as this process: reads its configuration, starts it, and stops it gracefully on SIGTERM, SIGINT or when the
 * parent that started it is gone. A mistake in the configuration is printed in one block, exit 1. An error nobody caught is
 * logged, exit 1: what state it left behind is unknown, and a supervisor starts a clean process.
 */
export async function bootstrapService<C extends BaseConfig>(
  module: Type,
  config: C | (() => C),
  parts: ServiceParts = {},
): Promise<RunningService> {
  const settings = readOrExit(config);
  createLogger({ service: settings.manifest.name, level: settings.logLevel });
  process.on('uncaughtException', (error) => die(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => die(error, 'unhandled rejection'));
  const starting = startService(module, settings, parts);
  stopOn(starting);
  const service = await starting.catch((error: unknown) => die(error, startFailure(error, settings)));
  service.ready.catch((error: unknown) =>
    error instanceof StartupError
      ? die(error.cause, `start-up work failed: ${error.task}`)
      : die(error, 'the database could not be made ready'),
  );
  logger().info({ url: service.url, instance: settings.instanceId }, 'listening');
  return service;
}

function readOrExit<C extends BaseConfig>(config: C | (() => C)): C {
  try {
    return typeof config === 'function' ? config() : config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

function startFailure(error: unknown, { manifest, port }: BaseConfig): string {
  const busy = (error as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
  return busy ? `port ${port} is taken: another ${manifest.name} may be running` : 'could not start';
}

function stopOn(starting: Promise<RunningService>): void {
  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) return;
    stopping = true;
    logger().info({ reason }, 'stopping');
    setTimeout(() => die(new Error(`still running after ${SHUTDOWN_LIMIT / 1000} s`), 'shutdown took too long'), SHUTDOWN_LIMIT).unref();
    starting
      .then((service) => service.close())
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

function die(error: unknown, message: string): never {
  logger().fatal({ err: error }, message);
  process.exit(1);
}
