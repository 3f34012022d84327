import { readFileSync } from 'node:fs';
import { openHome, readPrivate, readRun, type Accounts } from '@ballast/cluster';
import { CannotReconcileError } from './errors.js';
import type { Access } from './operator.js';
import type { Options } from './options.js';

const NAMES = ['order', 'payment', 'inventory', 'cart'] as const;

/** Where the services are and who asks them: of the platform that `npm start` runs, or as it was said. */
export function accessOf({ home, services, accounts }: Pick<Options, 'home' | 'services' | 'accounts'>): Access {
  const stated = accounts ? operatorOf(accounts) : undefined;
  return services && stated ? access((name) => services.replaceAll('{service}', name), stated) : running(home, stated);
}

function running(directory: string | undefined, stated: Access['credentials'] | undefined): Access {
  const home = openHome(directory);
  const run = readRun(home.run);
  if (!run) throw new CannotReconcileError('Nothing runs: start the platform with npm start, or say where it is: --services, --accounts');
  const operator = stated ?? readPrivate<Partial<Accounts>>(home.credentials).operator;
  if (!operator) throw new CannotReconcileError('There is no operator account yet: start the platform again, it makes one');
  return access((name) => {
    const url = run.services[name]?.url;
    if (!url) throw new CannotReconcileError(`${name} does not run here: it is needed for the comparison`);
    return url;
  }, operator);
}

/** Of a file like `.ballast/credentials.json`, or like the one that auth makes its first accounts from. */
function operatorOf(file: string): Access['credentials'] {
  let accounts: { operator?: Access['credentials']; accounts?: (Access['credentials'] & { roles: string[] })[] };
  try {
    accounts = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CannotReconcileError(`--accounts ${file} ${code ? `cannot be read (${code})` : 'is not JSON'}`, { cause: error });
  }
  const operator = accounts.operator ?? accounts.accounts?.find(({ roles }) => roles.includes('operator'));
  if (!operator?.email || !operator.password)
    throw new CannotReconcileError(`--accounts ${file} has no operator with an email and a password`);
  return operator;
}

const access = (url: (name: string) => string, { email, password }: Access['credentials']): Access => ({
  auth: url('auth'),
  services: Object.fromEntries(NAMES.map((name) => [name, url(name)])) as Access['services'],
  credentials: { email, password },
});
