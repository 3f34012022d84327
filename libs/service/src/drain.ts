import type { FastifyInstance } from 'fastify';
import { logger } from '@ballast/tracing';

const DRAIN_LIMIT = 10_000;

/** Ends the HTTP side without cutting anyone off: no new connections, idle ones closed, requests at work finish. */
export class Drain {
  private running = 0;
  private draining = false;
  private idle: (() => void) | undefined;

  constructor(private readonly server: FastifyInstance) {
    server.addHook('onRequest', async (_, reply) => {
      this.running++;
      reply.raw.once('close', () => {
        if (--this.running === 0) this.idle?.();
      });
    });
    server.addHook('onSend', async (_, reply) => {
      if (this.draining) reply.header('connection', 'close');
    });
  }

  /** Resolves when the last request is answered, or after 10 s, when what is left is cut off. */
  async close(): Promise<void> {
    this.draining = true;
    const http = this.server.server;
    http.close();
    http.closeIdleConnections();
    if (this.running > 0) await this.lastAnswer();
    if (this.running > 0) logger().warn({ requests: this.running }, 'requests were cut off: they did not end in time');
    http.closeAllConnections();
  }

  private async lastAnswer(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      new Promise<void>((resolve) => (this.idle = resolve)),
      new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_LIMIT))),
    ]);
    clearTimeout(timer);
  }
}
