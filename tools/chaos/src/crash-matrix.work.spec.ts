import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstWork } from './crash-matrix.work.js';

const directory = mkdtempSync(join(tmpdir(), 'ballast-work-'));
const log = join(directory, 'order.log');
const line = (second: number, fields: object) =>
  appendFileSync(log, `${JSON.stringify({ level: 'info', time: new Date(second * 1000).toISOString(), ...fields })}\n`);
afterAll(() => rmSync(directory, { recursive: true }));

it('takes a service for working again when it has handled or answered something since', () => {
  line(1, { msg: 'message', outcome: 'handled', messageId: 'm1' });
  const death = statSync(log).size;
  appendFileSync(log, '{"level":"warn","msg":"this process crashes on purpose: BALLAST_FAILPOINTS=relay.sent=kill@1"}\n');
  line(2, { msg: 'listening' });
  line(3, { msg: 'request', status: 503 });
  expect(firstWork(log, death)).toBeUndefined();
  line(4, { msg: 'request', status: 409 });
  line(5, { msg: 'message', outcome: 'handled' });
  expect(firstWork(log, death)).toEqual({ at: 4_000 });
  expect(firstWork(log, 0)).toEqual({ at: 1_000, messageId: 'm1' });
});
