import type { ServiceManifest } from '@ballast/service/manifest';
import { PORT } from './instances.js';

/** Where a container finds its own secrets, each in a file named like the variable. */
export const SECRETS = '/run/secrets';

/** The secrets a service is given, by variable; those of the same `name` are the same secret. */
export function secretsOf({ name, database, needs }: ServiceManifest): Record<string, string> {
  return {
    ...(database && { DATABASE_PASSWORD: `${name} database password`, DATABASE_OWNER_PASSWORD: `${name} database owner password` }),
    ...Object.fromEntries([name, ...needs].map((service) => [`${constant(service)}_API_KEY`, `${service} api key`])),
    ...(name === 'auth' && { AUTH_KEY_SECRET: 'auth key secret' }),
  };
}

/**
 * What one service is told, beside what all of them are (infra/compose/service.yml): the same variables that `npm start`
 * gives it, but secrets as files.
 */
export function environmentOf(manifest: ServiceManifest): Record<string, string> {
  const { name, database, needs } = manifest;
  return {
    OTEL_SERVICE_NAME: name,
    ...(database && { DATABASE_NAME: name, DATABASE_USER: name, DATABASE_OWNER: `${name}_owner` }),
    ...Object.fromEntries(needs.map((need) => [`${constant(need)}_URL`, `http://${need}:${PORT}`])),
    ...(name === 'auth' && { AUTH_BOOTSTRAP_FILE: `${SECRETS}/ACCOUNTS` }),
    ...Object.fromEntries(Object.keys(secretsOf(manifest)).map((variable) => [`${variable}_FILE`, `${SECRETS}/${variable}`])),
  };
}

function constant(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
