import type { ServiceManifest } from '@ballast/service/manifest';
import { secretsOf } from './environment.js';

/** The folder and the secrets of the database cluster itself. */
const POSTGRES = {
  SUPERUSER_PASSWORD: 'superuser password',
  REPLICATION_PASSWORD: 'replication password',
  PATRONI_PASSWORD: 'patroni password',
  BACKUP_PASSPHRASE: 'backup passphrase',
};

/** What only those who watch may read. */
const MONITORING = { MONITOR_PASSWORD: 'monitor password', GRAFANA_PASSWORD: 'grafana password' };

/**
 * What the init service makes, as JSON: the secret's name by file, for example `"payment/PSP_API_KEY": "psp api key"`.
 * The first folder is the volume of the one who may read it.
 */
export function renderSecretFiles(manifests: readonly ServiceManifest[]): string {
  const owners: [string, Record<string, string>][] = [
    ...manifests.map((m) => [m.name, secretsOf(m)] as [string, Record<string, string>]),
    ['postgres', POSTGRES],
    ['monitoring', MONITORING],
  ];
  const files = owners.flatMap(([owner, secrets]) => Object.entries(secrets).map(([variable, name]) => [`${owner}/${variable}`, name]));
  return `${JSON.stringify({ files: Object.fromEntries(files) as object, accounts: 'auth/ACCOUNTS' }, null, 2)}\n`;
}
