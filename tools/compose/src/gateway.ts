import type { ServiceManifest } from '@ballast/service/manifest';
import { instancesOf, isPublic, PORT, type Profile } from './instances.js';

/** HAProxy's map of the first path segment to the backend. */
export function renderRoutes(manifests: readonly ServiceManifest[]): string {
  return manifests.flatMap(({ name, routes }) => routes.map((route) => `${route.slice(1)} ${name}\n`)).join('');
}

/** HAProxy's backends, one for each service behind the gateway. What they have in common is in `haproxy.cfg`. */
export function renderBackends(manifests: readonly ServiceManifest[], profile: Profile): string {
  return manifests
    .filter(isPublic)
    .map((manifest) => {
      const servers = instancesOf(manifest, profile).map((instance) => `  server ${instance} ${instance}:${PORT}\n`);
      return `backend ${manifest.name} from service\n${servers.join('')}`;
    })
    .join('\n');
}
