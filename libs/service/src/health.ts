import { metricsContentType, metricsText } from '@ballast/tracing';
import type { FastifyInstance } from 'fastify';

/** A shared thing a service works with, by the name health gives it. */
export interface Dependency {
  name: string;
  available(): boolean;
}

/** Whether the service can take requests, and what is away. */
export class Health {
  private state: 'starting' | 'ready' | 'stopping' = 'starting';

  constructor(private readonly dependencies: readonly Dependency[]) {}

  initialised(): void {
    if (this.state === 'starting') this.state = 'ready';
  }

  stopping(): void {
    this.state = 'stopping';
  }

  /**
   * A dependency that is away makes the service degraded, not unready: every replica sees the same outage, and a gateway that
   * took them all out would turn degraded answers into none.
   */
  report(): { httpStatus: number; status: string; away: string[] } {
    const away = this.dependencies.filter((d) => !d.available()).map((d) => d.name);
    if (this.state !== 'ready') return { httpStatus: 503, status: this.state, away };
    return { httpStatus: 200, status: away.length > 0 ? 'degraded' : 'ok', away };
  }

  /** On the server itself rather than as Nest routes: no token, no rate limit, no access log, no trace. */
  attach(server: FastifyInstance): void {
    const route = { config: { internal: true } };
    server.get('/health/live', route, () => ({ status: 'ok' }));
    server.get('/health/ready', route, (_, reply) => {
      const { httpStatus, ...body } = this.report();
      return reply.code(httpStatus).send(body);
    });
    server.get('/metrics', route, async (_, reply) => reply.type(metricsContentType).send(await metricsText()));
  }
}
