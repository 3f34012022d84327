import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';

/** Of each kind of point one, in each service; the whole list is `npm run chaos -- crash-matrix`. */
const POINTS = [
  'cart/idempotency.kept',
  'cart/relay.sent',
  'inventory/inbox.committed',
  'inventory/inbox.applied=stop',
  'order/inbox.applied=kill',
  'order/outbox.committed=kill',
  'order/saga.step.before[reserve stock]',
  'order/saga.step.after[capture payment]',
  'payment/intent.claimed[payment.authorise]',
  'payment/intent.performed[payment.capture]',
  'psp/psp.recorded[refund]',
];

/** As a user runs it, on a platform of its own, beside that of the other tests. */
function crashMatrix(...args: string[]): Promise<{ code: number | null; output: string }> {
  const command = join(workspaceRoot(), 'tools/chaos/dist/chaos.js');
  const { NODE_ENV: _test, KAFKA_BROKERS: _others, ...env } = process.env;
  const child = spawn(process.execPath, [command, 'crash-matrix', '--out', 'none', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

it('nothing is lost, doubled or reordered by kills and pauses at named points, whichever of two services they meet together', async () => {
  const { code, output } = await crashMatrix('--seeds', '1', '--points', POINTS.join(','));
  expect(output).toContain('✔ nothing lost, nothing doubled, nothing reordered');
  expect(code).toBe(0);
}, 240_000);
