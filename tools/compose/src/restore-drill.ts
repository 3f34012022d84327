import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { buy, ClusterError, type Credentials, messageOf } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';
import { parseAccounts } from './accounts.js';

const [gateway = 'http://127.0.0.1:8080'] = process.argv.slice(2);
const cwd = workspaceRoot();
const run = ['compose', '--profile', 'ha', 'run', '--rm', '-T', '--no-deps'];

/**
 * `npm run restore-drill [-- GATEWAY]`: restores a point of the running cluster's log beside it, while orders are placed, and compares what every
 * table held (infra/postgres/ha/restore-drill.sh). Ends with 1 when that cannot be shown.
 */
async function main(): Promise<void> {
  const { stdout } = await promisify(execFile)('docker', [...run, 'accounts'], { cwd, timeout: 120_000 });
  const shopping = new AbortController();
  const orders = keepBuying(parseAccounts(stdout).buyer, shopping.signal);
  // What fails while the drill runs is told at its end.
  orders.catch(() => undefined);
  const drill = spawn('docker', [...run, 'restore-drill'], { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(drill, 'exit')) as [number | null];
  shopping.abort();
  const count = await orders;
  console.log(`${count} orders were confirmed meanwhile`);
  if (count === 0) throw new ClusterError('No order was confirmed meanwhile: this shows nothing');
  if (code !== 0) throw new ClusterError('The restore drill failed');
}

/** One order after the other until it is told to stop; @returns how many were confirmed */
async function keepBuying(buyer: Credentials, signal: AbortSignal): Promise<number> {
  let confirmed = 0;
  while (!signal.aborted) if ((await buy(gateway, buyer)).status === 'CONFIRMED') confirmed++;
  return confirmed;
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
