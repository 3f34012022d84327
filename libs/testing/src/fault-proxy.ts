import { createServer, connect, type Socket } from 'node:net';
import type { Host } from './ports.js';

type Mode = 'pass' | 'stall' | 'refuse';

export interface FaultProxy extends Host {
  /** How many connections pass through at this moment. */
  readonly connections: number;
  /** Breaks every open connection with a reset; new ones are taken. */
  cut(): void;
  /** Nothing passes any more in either direction, but no connection breaks: a black hole. New connections stall too. */
  stall(): void;
  /** Breaks every connection and resets new ones at once. */
  refuse(): void;
  /** Passes everything again, also what was held back by `stall`. */
  heal(): void;
  close(): Promise<void>;
}

/** A TCP proxy on a free port of 127.0.0.1 that can misbehave as a network does. */
export async function faultProxy(target: Host): Promise<FaultProxy> {
  let mode: Mode = 'pass';
  const pairs = new Map<Socket, Socket>();

  const server = createServer({ allowHalfOpen: true }, (downstream) => {
    downstream.on('error', () => undefined);
    if (mode === 'refuse') {
      downstream.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    pairs.set(downstream, upstream);
    upstream.on('error', () => downstream.resetAndDestroy());
    const release = () => {
      pairs.delete(downstream);
      if (!downstream.destroyed) downstream.destroy();
      if (!upstream.destroyed) upstream.destroy();
    };
    downstream.once('close', release);
    upstream.once('close', release);
    if (mode === 'pass') join(downstream, upstream);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port');

  const cut = () => {
    for (const [downstream, upstream] of pairs) {
      downstream.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  };
  return {
    host: '127.0.0.1',
    port: address.port,
    get connections() {
      return pairs.size;
    },
    cut,
    stall() {
      mode = 'stall';
      for (const [downstream, upstream] of pairs) separate(downstream, upstream);
    },
    refuse() {
      mode = 'refuse';
      cut();
    },
    heal() {
      const stalled = mode === 'stall';
      mode = 'pass';
      if (stalled) for (const [downstream, upstream] of pairs) join(downstream, upstream);
    },
    close() {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function join(one: Socket, other: Socket): void {
  one.pipe(other);
  other.pipe(one);
}

function separate(one: Socket, other: Socket): void {
  for (const socket of [one, other]) {
    socket.unpipe();
    socket.pause();
  }
}
