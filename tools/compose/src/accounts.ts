import { readFileSync } from 'node:fs';
import type { Accounts } from '@ballast/cluster';

interface BootstrapFile {
  accounts: { email: string; password: string; roles: string[] }[];
}

/** The merchant and the buyer of the file that auth makes its first accounts from. */
export function readAccounts(file: string): Accounts {
  return parseAccounts(readFileSync(file, 'utf8'));
}

export function parseAccounts(json: string): Accounts {
  const { accounts } = JSON.parse(json) as BootstrapFile;
  const merchant = accounts.find(({ roles }) => roles.includes('merchant'));
  const buyer = accounts.find(({ roles }) => roles.length === 0);
  if (!merchant || !buyer) throw new Error('There is no merchant and buyer among the accounts');
  return { merchant, buyer };
}
