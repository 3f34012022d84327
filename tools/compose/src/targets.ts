import type { ServiceManifest } from '@ballast/service/manifest';
import { stringify } from 'yaml';
import { instancesOf, PORT, type Profile } from './instances.js';

/** Whom Prometheus asks: every instance of every service, under the service's name. */
export function renderTargets(manifests: readonly ServiceManifest[], profile: Profile): string {
  const groups = manifests.map((manifest) => ({
    labels: { job: manifest.name },
    targets: instancesOf(manifest, profile).map((instance) => `${instance}:${PORT}`),
  }));
  return stringify(groups, { lineWidth: 0 });
}
