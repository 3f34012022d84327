import { createLogger } from '@ballast/tracing';
import { ConfigError } from './config.js';
import { dieOfUncaught, readOrExit, startedOrExit, stopOn } from './process.js';
import type { ServiceApp } from './service-app.js';
import { type RunningService, startService } from './start-service.js';

/**
 * Runs a service as this process: reads its configuration, starts it, and stops it gracefully on SIGTERM, SIGINT or when the
 * parent that started it is gone. A mistake in the configuration is printed in one block, exit 1. An error nobody caught is
 * logged, exit 1: what state it left behind is unknown, and a supervisor starts a clean process.
 */
export async function bootstrapService(app: ServiceApp): Promise<RunningService> {
  const config = readOrExit(() => {
    const read = app.config();
    if (read.transport === 'memory' && !app.parts?.transport)
      throw new ConfigError(read.manifest.name, [{ variable: 'TRANSPORT', reason: 'memory reaches no other process: use kafka here' }]);
    return read;
  });
  createLogger({ service: config.manifest.name, level: config.logLevel });
  dieOfUncaught();
  const starting = startService(app.module, config, app.parts);
  stopOn(starting);
  return startedOrExit(starting, config);
}
