import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A handled message, or an answered request; not a 503, with which a service says that it cannot work yet. */
const WORK = /"msg":"(message|request)"/;
const REFUSED = /"status":5\d\d/;
const TIME = /"time":"([^"]+)"/;
const MESSAGE = /"messageId":"([^"]+)"/;

export interface Work {
  /** When it was finished, ms since 1970. */
  at: number;
  /** Of a message. */
  messageId?: string;
}

/** The first piece of work of which the log tells behind the offset. */
export function firstWork(logFile: string, from: number): Work | undefined {
  for (const line of after(logFile, from).split('\n')) {
    const at = WORK.test(line) && !REFUSED.test(line) ? TIME.exec(line)?.[1] : undefined;
    if (at === undefined) continue;
    const messageId = MESSAGE.exec(line)?.[1];
    return { at: Date.parse(at), ...(messageId && { messageId }) };
  }
  return undefined;
}

function after(file: string, from: number): string {
  const fd = openSync(file, 'r');
  try {
    const rest = Buffer.alloc(Math.max(0, fstatSync(fd).size - from));
    return rest.toString('utf8', 0, readSync(fd, rest, 0, rest.length, from));
  } finally {
    closeSync(fd);
  }
}
