import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { logger } from '@ballast/tracing';
import type { FastifyInstance } from 'fastify';

/** For requests that are still being answered when nobody listens any more. With the grace before it and what follows, less than the process is given. */
const DRAIN_LIMIT = 8_000;
/** Of that, for who has connected at the last moment: longer than a busy machine leaves a process waiting, since nobody stays who was answered. */
const LATECOMERS = 5_000;

/**
 * Ends the HTTP side without a reset for anyone. A client may send its next request on an idle connection in the very moment in which the
 * server closes it, and cannot know then whether it was read. So every answer first says `connection: close`, idle connections are kept
 * until their clients have let go of them, and only then nothing is taken any more.
 */
export class Drain {
  private readonly connections = new Set<Socket>();
  private accepted = 0;
  private running = 0;
  private draining = false;
  private changed: () => void = () => undefined;

  /** `grace`, ms: how long a connection may stay open without a request. Longer than the clients keep an idle one. */
  constructor(
    private readonly server: FastifyInstance,
    private readonly grace: number,
  ) {
    server.server.on('connection', (socket: Socket) => {
      this.accepted++;
      this.connections.add(socket);
      socket.once('close', () => {
        this.connections.delete(socket);
        this.changed();
      });
    });
    server.addHook('onRequest', async (_, reply) => {
      this.running++;
      reply.raw.once('close', () => {
        this.running--;
        this.changed();
      });
    });
    server.addHook('onSend', async (_, reply) => {
      if (this.draining) reply.header('connection', 'close');
    });
  }

  /** Resolves when every request is answered and nobody is connected; what takes more than 8 s past the grace is cut off. */
  async close(): Promise<void> {
    this.draining = true;
    const http = this.server.server as Server;
    const alone = () => this.connections.size === 0;
    if (this.grace > 0) await this.until(alone, this.grace);
    await this.acceptAll();
    http.close();
    // Kept-alive connections are closed with it; those that have not sent anything yet are not idle.
    const end = Date.now() + DRAIN_LIMIT;
    if (this.grace > 0) await this.until(alone, LATECOMERS);
    await this.until(() => this.running === 0, end - Date.now());
    if (this.running > 0) logger().warn({ requests: this.running }, 'requests were cut off: they did not end in time');
    http.closeAllConnections();
  }

  /** The kernel resets who still waits to be accepted when nobody listens any more; the event loop may take no more than one a turn. */
  private async acceptAll(): Promise<void> {
    let before: number;
    let turns = 0;
    do {
      before = this.accepted;
      await setImmediate();
    } while (this.accepted > before && ++turns < 1_000);
  }

  private async until(condition: () => boolean, limit: number): Promise<void> {
    if (condition()) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limit);
      this.changed = () => condition() && resolve();
    });
    this.changed = () => undefined;
    clearTimeout(timer);
  }
}
