import { readFileSync } from 'node:fs';
import type { Accounts } from '@ballast/cluster';

interface BootstrapFile {
  accounts: { email: string; password: string; roles: string[] }[];
}

/** The merchant, the buyer and the operator of the file that auth makes its first accounts from. */
export function readAccounts(file: string): Accounts {
  return parseAccounts(readFileSync(file, 'utf8'));
}

export function parseAccounts(json: string): Accounts {
  const { accounts } = JSON.parse(json) as BootstrapFile;
  const merchant = accounts.find(({ roles }) => roles.includes('merchant'));
  const buyer = accounts.find(({ roles }) => roles.length === 0);
  const operator = accounts.find(({ roles }) => roles.includes('operator'));
  if (!merchant || !buyer || !operator) throw new Error('A merchant, a buyer or an operator is missing among the accounts');
  return { merchant, buyer, operator };
}
