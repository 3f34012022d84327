import type { ServiceManifest } from '@ballast/service/manifest';

/** psql's script: a database and two roles for each service that has one. */
export function renderDatabases(manifests: readonly ServiceManifest[]): string {
  const services = manifests.filter(({ database }) => database);
  return services.map(({ name }) => `\\set service '${name}'\n\\ir service-database.sql\n`).join('\n');
}
