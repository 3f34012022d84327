import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { buy, ClusterError, messageOf } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';
import { parseAccounts } from './accounts.js';
import { help, parseRestoreDrill } from './restore-drill.options.js';
import { whileBuying } from './restore-drill.orders.js';

const cwd = workspaceRoot();
const run = ['compose', '--profile', 'ha', 'run', '--rm', '-T', '--no-deps'];

/**
 * `npm run restore-drill [-- GATEWAY]`: restores a point of the running cluster's log beside it, while orders are placed, and compares what every
 * table held (infra/postgres/ha/restore-drill.sh). Ends with 1 when that cannot be shown.
 */
async function main(): Promise<void> {
  const options = parseRestoreDrill(process.argv.slice(2), { ...envFile(), ...process.env });
  if (options.help) return console.log(help);
  const { stdout } = await promisify(execFile)('docker', [...run, 'accounts'], { cwd, timeout: 120_000 });
  const { buyer } = parseAccounts(stdout);
  const { result: code, confirmed } = await whileBuying(() => buy(options.gateway, buyer), drill);
  console.log(`${confirmed} orders were confirmed meanwhile`);
  if (confirmed === 0) throw new ClusterError('No order was confirmed meanwhile: this shows nothing');
  if (code !== 0) throw new ClusterError('The restore drill failed');
}

async function drill(): Promise<number | null> {
  const child = spawn('docker', [...run, 'restore-drill'], { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/** What compose reads, beside the environment: the port may be said there. */
function envFile(): NodeJS.Dict<string> {
  const file = join(cwd, '.env');
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
