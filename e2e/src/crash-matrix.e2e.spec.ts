import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';

/** Of nearly every kind one, and some of each service; all are in `npm run chaos -- crash-matrix`. */
const POINTS = [
  'cart/idempotency.kept',
  'inventory/inbox.committed',
  'inventory/inbox.applied=stop',
  'order/relay.sent',
  'order/saga.step.after[capture payment]',
  'order/saga.step.after[undo authorise payment]',
  'payment/intent.performed[payment.capture]',
  'payment/intent.performed[payment.void]',
  'psp/psp.recorded[capture]',
];

let command: ChildProcess;
// For a test that was cut short: with it goes the platform that it started.
afterAll(() => void command.kill());

/** As a user runs it, on a platform of its own, beside that of the other tests. */
function crashMatrix(...args: string[]): Promise<{ code: number | null; output: string }> {
  const file = join(workspaceRoot(), 'tools/chaos/dist/chaos.js');
  const { NODE_ENV: _test, KAFKA_BROKERS: _others, ...env } = process.env;
  command = spawn(process.execPath, [file, 'crash-matrix', '--out', 'none', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [command.stdout!, command.stderr!]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => command.once('close', (code) => resolve({ code, output })));
}

it('loses, doubles and reorders nothing, and works again, when services are killed and paused where it hurts', async () => {
  // Ten seconds are the promise of the whole matrix, on a machine for itself.
  const { code, output } = await crashMatrix('--seeds', '1', '--slack', '3', '--points', POINTS.join(','));
  expect(output).toContain('✔ nothing lost, nothing doubled, nothing reordered, nothing late');
  expect(code).toBe(0);
}, 420_000);
