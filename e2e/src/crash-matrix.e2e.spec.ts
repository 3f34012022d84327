import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';

/** Of nearly every kind one, and some of each service; all are in `npm run chaos -- crash-matrix`. */
const POINTS = [
  'cart/idempotency.kept',
  'inventory/inbox.committed',
  'inventory/inbox.applied=stop',
  'order/relay.sent',
  'order/saga.step.after[capture payment]',
  'payment/intent.performed[payment.capture]',
  'psp/psp.recorded[capture]',
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

it('loses, doubles and reorders nothing when services are killed and paused where it hurts', async () => {
  const { code, output } = await crashMatrix('--seeds', '1', '--points', POINTS.join(','));
  expect(output).toContain('✔ nothing lost, nothing doubled, nothing reordered');
  expect(code).toBe(0);
}, 240_000);
