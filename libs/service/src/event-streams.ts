import { Readable } from 'node:stream';
import { gauge, logger } from '@ballast/tracing';
import { applyDecorators, Injectable, StreamableFile } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { AccountClaims } from './access.js';
import { Answer } from './answer.js';
import { platformErrors } from './platform.errors.js';

const KEEP_ALIVE = 15_000;
/** Bytes that wait in memory for one client, beside what its socket holds. */
const MOST_UNREAD = 64 * 1024;
/** How long a client may take for what it has not read when its stream ends. */
const LAST_WORDS = 5_000;
/** Milliseconds after which clients that lost their stream come again: spread, so that they do not come all at once. */
const RETRY = { least: 500, spread: 1_500 };

const listening = () => gauge('ballast_event_streams', 'Clients that listen to server-sent events');

/** One server-sent event. `id` is what a client sends as `Last-Event-ID` when it comes again; without it the one before stands. */
export interface ServerEvent {
  event: string;
  /** Becomes JSON. */
  data: unknown;
  id?: number;
}

/** Marks a route whose answer stays open: no time limit for its handler, and its duration is not a response time. */
export const Streams = (): MethodDecorator => applyDecorators(RouteConfig({ streams: true }));

/** Server-sent events to one client. Closes when the client goes; a client that does not read is dropped. */
export class EventStream extends Readable {
  private finished = false;
  private behind = false;

  constructor(readonly expiresAt: Date) {
    super({ highWaterMark: MOST_UNREAD, read: () => undefined });
    this.append(`retry: ${Math.round(RETRY.least + Math.random() * RETRY.spread)}\n\n`);
  }

  send({ id, event, data }: ServerEvent): void {
    this.append(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Ends after what was sent. A client that takes longer than 5 s to read that is dropped. */
  finish(): void {
    if (this.finished || this.destroyed) return;
    this.finished = true;
    this.push(null);
    const late = setTimeout(() => this.destroy(), LAST_WORDS);
    this.once('close', () => clearTimeout(late));
  }

  /** Shows client and proxies that somebody is there. One that has not read for a whole period is gone or too slow. */
  keepAlive(): void {
    if (this.readableLength > 0 && this.behind) return this.cut();
    this.behind = this.readableLength > 0;
    this.append(':\n\n');
  }

  /** What a handler returns to answer with this stream. */
  answer(): Answer<StreamableFile> {
    const headers = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' };
    const file = new StreamableFile(this, { type: 'text/event-stream' });
    file.setErrorLogger(() => undefined);
    return new Answer(200, file, headers);
  }

  private append(text: string): void {
    if (this.finished || this.destroyed) return;
    this.push(text);
    if (this.readableLength > MOST_UNREAD) this.cut();
  }

  private cut(): void {
    logger().warn('the client of an event stream does not read; its connection was closed');
    this.destroy();
  }
}

/**
 * The open event streams of this process. They end when the service begins to stop, before its requests are waited for, and within
 * 15 s after their caller's access token has expired: access that was given for ten minutes does not last for hours.
 */
@Injectable()
export class EventStreams {
  private readonly streams = new Set<EventStream>();
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  /** Aborted when the service begins to stop: what waits before it opens a stream must give up. */
  get closing(): AbortSignal {
    return this.stopping.signal;
  }

  /** Begins a stream to this caller; 503 when the service is stopping. */
  open({ expiresAt }: AccountClaims): EventStream {
    if (this.closing.aborted) throw platformErrors.UNAVAILABLE().retryAfter(1);
    const stream = new EventStream(expiresAt);
    this.streams.add(stream);
    listening().inc();
    this.timer ??= setInterval(() => this.beat(), KEEP_ALIVE).unref();
    stream.once('close', () => {
      this.streams.delete(stream);
      listening().dec();
      if (this.streams.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    });
    return stream;
  }

  /** Ends them all; their clients come again, elsewhere. */
  close(): void {
    this.stopping.abort(platformErrors.UNAVAILABLE().retryAfter(1));
    for (const stream of this.streams) stream.finish();
  }

  private beat(): void {
    const now = new Date();
    for (const stream of this.streams) {
      if (stream.expiresAt <= now) stream.finish();
      else stream.keepAlive();
    }
  }
}
