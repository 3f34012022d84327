import { readFileSync } from 'node:fs';
import type { Accounts } from '@ballast/cluster';

interface BootstrapFile {
  accounts: { email: string; password: string; roles: string[] }[];
}

/** The merchant and the buyer of the file that auth makes its first accounts from. */
export function readAccounts(file: string): Accounts {
  const { accounts } = JSON.parse(readFileSync(file, 'utf8')) as BootstrapFile;
  const merchant = accounts.find(({ roles }) => roles.includes('merchant'));
  const buyer = accounts.find(({ roles }) => roles.length === 0);
  if (!merchant || !buyer) throw new Error(`${file} holds no merchant and buyer`);
  return { merchant, buyer };
}
