import type { ServiceManifest } from '@ballast/service/manifest';
import { renderServices } from './compose-services.js';
import { renderDashboard } from './dashboard.js';
import { dashboards } from './dashboards.js';
import { renderDatabases } from './databases.js';
import { renderBackends, renderRoutes } from './gateway.js';
import { profiles } from './instances.js';
import { renderProblems } from './problems.js';
import { renderSecretFiles } from './secret-files.js';
import { renderTargets } from './targets.js';

/** Every file that is made, from the manifests and from `dashboards.ts`, by its path in the repository. Formatted as Prettier leaves them. */
export function generatedFiles(found: readonly ServiceManifest[]): Map<string, string> {
  const manifests = [...found].sort((a, b) => (a.name < b.name ? -1 : 1));
  return new Map([
    ['infra/compose/services.yml', noted('#') + renderServices(manifests)],
    ['infra/init/secrets.json', renderSecretFiles(manifests)],
    ['infra/postgres/databases.sql', noted('--') + renderDatabases(manifests)],
    ['infra/haproxy/problems.cfg', noted('#') + renderProblems()],
    ['infra/haproxy/routes.map', noted('#') + renderRoutes(manifests)],
    ...profiles.map((profile) => [`infra/haproxy/services.${profile}.cfg`, noted('#') + renderBackends(manifests, profile)] as const),
    ...profiles.map(
      (profile) => [`infra/prometheus/targets/${profile}/services.yml`, noted('#') + renderTargets(manifests, profile)] as const,
    ),
    ...dashboards.map((dashboard) => [`infra/grafana/dashboards/${dashboard.uid}.json`, renderDashboard(dashboard)] as const),
  ]);
}

const noted = (comment: string): string => `${comment} Made from apps/*/service.ts by \`npm run sync\`: change those.\n\n`;
