import { createRequire } from 'node:module';
import type { ISocketFactory } from 'kafkajs';

/** kafkajs has no types for its inner parts. */
const defaultFactory = createRequire(import.meta.url)('kafkajs/src/network/socketFactory.js') as () => ISocketFactory;
const open = defaultFactory();

/**
 * While a broker is away, kafkajs takes leave (`unref`) of its last socket at each try to reach it. Node keeps every one of these for the day the socket
 * connects, which one that has ended never does: after ten there is a `MaxListenersExceededWarning` between the lines of the log.
 */
export const socketFactory: ISocketFactory = (target) => {
  const socket = open(target);
  const unref = socket.unref.bind(socket);
  socket.unref = () => (socket.destroyed ? socket : unref());
  return socket;
};
