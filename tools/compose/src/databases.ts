import type { ServiceManifest } from '@ballast/service/manifest';

/** psql's script: the role of whoever watches, then a database and two roles for each service that has one. */
export function renderDatabases(manifests: readonly ServiceManifest[]): string {
  const services = manifests.filter(({ database }) => database);
  return ['\\ir monitoring.sql\n', ...services.map(({ name }) => `\\set service '${name}'\n\\ir service-database.sql\n`)].join('\n');
}
