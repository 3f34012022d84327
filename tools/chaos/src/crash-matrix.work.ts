import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A handled message, or an answered request; not a 503, with which a service says that it cannot work yet. */
const WORK = /"msg":"(message|request)"/;
const REFUSED = /"status":5\d\d/;
const TIME = /"time":"([^"]+)"/;

/** When (ms since 1970) the first piece of work was finished of which the log tells behind the offset. */
export function firstWork(logFile: string, from: number): number | undefined {
  const line = after(logFile, from)
    .split('\n')
    .find((each) => WORK.test(each) && !REFUSED.test(each) && TIME.test(each));
  return line === undefined ? undefined : Date.parse(TIME.exec(line)![1]!);
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
