import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { eventually } from '@ballast/testing';
import type { Containers } from './containers.js';
import type { Patroni } from './patroni.js';
import type { Rollback } from './rollback.js';
import { Writer } from './writer.js';

const ROW = `console.log(JSON.stringify({ n: 1, node: 'postgres-1', timeline: 3, asked: 1, at: 2 }));`;
const names: string[][] = [];

/** A writer whose container is a process of Node that does `what`; the server answers what is asked inside it with `inside`. */
function writer(what: string, inside: () => Promise<string | undefined> = async () => undefined) {
  const children: ChildProcessByStdio<Writable, Readable, null>[] = [];
  const containers = { project: 'other', list: async () => new Map([['order-1', { image: 'ballast/order' }], ['postgres-1', {}]]) }; // prettier-ignore
  const rollback = { plan: () => undefined, undo: async () => children.forEach((child) => child.kill()) };
  const patroni = { query: async () => '[1]', queryWithin: inside };
  const made = new Writer(containers as unknown as Containers, patroni as unknown as Patroni, rollback as unknown as Rollback, (args) => {
    names.push(args);
    const child = spawn(process.execPath, ['-e', what], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  });
  return { made, children };
}

it('begins with its first row, in a container of its project, and ends in silence', async () => {
  const { made, children } = writer(`${ROW} setInterval(() => undefined, 1_000);`);
  await made.start();
  expect(made.writes).toHaveLength(1);
  expect(names.at(-1)?.join(' ')).toContain('--name other-chaos-writer --network other_inner');
  expect(await made.lost()).toBe(0);
  await eventually(() => expect(children[0]?.signalCode).toBe('SIGTERM'));
  expect(made.ended).toBeUndefined();
});

it('does not begin when it ends without a row', async () => {
  const { made } = writer('process.exit(125)');
  await expect(made.start()).rejects.toThrow('the bare writer ended with 125');
});

it('notices that it is gone', async () => {
  const { made } = writer(`${ROW} setTimeout(() => process.exit(137), 20);`);
  await made.start();
  await eventually(() => expect(made.ended).toBe('ended with 137'));
});

describe('inside a server', () => {
  const refused = () => Promise.reject(new Error('docker exec x bash: ERROR:  cannot execute INSERT in a read-only transaction'));
  it.each([
    ['an acknowledgement is a row like any other', async () => '3', 'postgres-1 acknowledged a row asked for inside it, on timeline 3', 1],
    ['silence is none', async () => undefined, 'postgres-1 did not acknowledge a row asked for inside it within 4 s', 0],
    [
      'nor is a refusal',
      refused,
      'postgres-1 refused a row asked for inside it: ERROR:  cannot execute INSERT in a read-only transaction',
      0,
    ],
  ])('%s', async (_, inside, said, rows) => {
    const { made } = writer('', inside);
    expect(await made.commitInside('postgres-1')).toBe(said);
    expect(made.writes).toHaveLength(rows);
    // The primary of afterwards does not have it: what was acknowledged is lost.
    expect(await made.lost()).toBe(rows);
  });
});
