import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Database } from '@ballast/database';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { BaseConfig } from './config.js';
import { attachDocs } from './docs.js';
import { Drain } from './drain.js';
import { EventStreams } from './event-streams.js';
import { handlersOf } from './handlers.js';
import { type Dependency, Health } from './health.js';
import { createServer } from './http-server.js';
import { nestLogger } from './nest-logger.js';
import { exposePolicies } from './policy-metrics.js';
import { RateLimiter } from './rate-limit.js';
import { Routes } from './routes.js';
import { ServiceModule, type ServiceParts } from './service.module.js';
import { Startup } from './startup.js';
import { TokenKeys } from './token-keys.js';

export interface RunningService {
  /** For example `http://127.0.0.1:3002`. */
  readonly url: string;
  readonly app: NestFastifyApplication;
  /** Resolves when it can take requests: migrated, once its database was there, and its start-up work done. */
  readonly ready: Promise<void>;
  /** Answers on until clients have let go of their connections (the grace), lets requests at work finish (10 s at most), then stops consumers, intents, relay and pools. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts a service and listens at once, even while its database, the broker or auth are away: requests that need them are
 * answered 503 until they are there. Touches neither signals nor the process: see `bootstrapService`.
 */
export async function startService(module: Type, config: BaseConfig, parts: ServiceParts = {}): Promise<RunningService> {
  const adapter = await createServer(config);
  const server = adapter.getInstance() as unknown as FastifyInstance;
  const root = await ServiceModule.forRoot(module, config, parts);
  const app = await NestFactory.create<NestFastifyApplication>(root.module, adapter, {
    logger: nestLogger,
    bodyParser: false,
    abortOnError: false,
  });

  exposePolicies();
  const database = config.database ? app.get(Database, { strict: false }) : undefined;
  const keys = app.get(TokenKeys);
  const startup = app.get(Startup);
  const streams = app.get(EventStreams);
  const guarded = handlersOf(app).some(({ open }) => !open);
  const dependencies: Dependency[] = [
    ...(database ? [{ name: 'database', available: () => database.available }] : []),
    ...(root.transport ? [{ name: 'broker', available: () => root.transport!.connected }] : []),
    ...(guarded ? [{ name: 'auth', available: () => keys.available }] : []),
  ];
  const health = new Health(dependencies);
  const drain = new Drain(server, config.http.shutdownGrace);
  app.get(Routes).attach(server);
  await app.get(RateLimiter).attach(server);
  health.attach(server);
  attachDocs(server, app, config.manifest);

  await app.listen({ host: config.host, port: config.port });
  if (guarded) keys.start();
  let closing: Promise<void> | undefined;
  const ready = (database?.ready ?? Promise.resolve())
    .then(() => startup.run())
    .then(
      () => health.initialised(),
      // Closed before it ever was ready: nobody's failure.
      (error: unknown) => (closing ? new Promise<void>(() => undefined) : Promise.reject(error)),
    );
  ready.catch(() => undefined);
  return {
    url: urlOf(server),
    app,
    ready,
    close: () =>
      (closing ??= (async () => {
        health.stopping();
        startup.stop();
        streams.close();
        await drain.close();
        await app.close();
      })()),
  };
}

function urlOf(server: FastifyInstance): string {
  const { address, family, port } = server.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
