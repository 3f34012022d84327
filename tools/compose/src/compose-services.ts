import type { ServiceManifest } from '@ballast/service/manifest';
import { stringify } from 'yaml';
import { environmentOf, SECRETS } from './environment.js';
import { instancesOf, isPublic, PORT, type Profile, profiles } from './instances.js';

const volumeOf = (owner: string): string => `${owner}-secrets`;
const done = { condition: 'service_completed_successfully' };
const healthy = { condition: 'service_healthy' };

/** The part of docker-compose.yml that follows from the manifests: the services, who makes their secrets and their databases. */
export function renderServices(manifests: readonly ServiceManifest[]): string {
  const owners = [...manifests.map(({ name }) => name), 'postgres', 'monitoring'];
  const allSecrets = (mode: string) => owners.map((owner) => `${volumeOf(owner)}:/secrets/${owner}${mode}`);
  const services = {
    init: { extends: { file: 'jobs.yml', service: 'init' }, volumes: allSecrets('') },
    databases: { extends: { file: 'jobs.yml', service: 'databases' }, volumes: allSecrets(':ro') },
    ops: {
      extends: { file: 'jobs.yml', service: 'ops' },
      environment: { BALLAST_SERVICES: operable(manifests).join(',') },
      volumes: [`${volumeOf('auth')}:${SECRETS}:ro`],
    },
    ...Object.fromEntries(manifests.flatMap((manifest) => profiles.flatMap((profile) => serviceEntries(manifest, profile, manifests)))),
  };
  return stringify(
    { services, volumes: Object.fromEntries(owners.map((owner) => [volumeOf(owner), null])) },
    { aliasDuplicateObjects: false, nullStr: '', lineWidth: 0 },
  );
}

/** Those with something to operate, and auth, where their operator signs in: in `ha` any instance behind the name. */
const operable = (manifests: readonly ServiceManifest[]): string[] =>
  manifests.filter(({ name, messages }) => name === 'auth' || messages.length > 0).map(({ name }) => `${name}=http://${name}:${PORT}`);

function serviceEntries(manifest: ServiceManifest, profile: Profile, manifests: readonly ServiceManifest[]): [string, object][] {
  const { name } = manifest;
  const needed = manifests.filter((other) => manifest.needs.includes(other.name)).flatMap((other) => instancesOf(other, profile));
  const others = (network: string) => [network, { aliases: [name] }];
  return instancesOf(manifest, profile).map((instance) => [
    instance,
    {
      extends: { file: 'service.yml', service: profile },
      image: `ballast/${name}`,
      build: { context: '../..', target: 'service', args: { SERVICE: name } },
      environment: { INSTANCE_ID: instance, ...environmentOf(manifest) },
      volumes: [`${volumeOf(name)}:${SECRETS}:ro`],
      networks: Object.fromEntries([others('inner'), ...(isPublic(manifest) ? [others('edge')] : [])]) as object,
      depends_on: {
        init: done,
        ...(manifest.database && { databases: done }),
        ...Object.fromEntries(needed.map((other) => [other, healthy])),
      },
    },
  ]);
}
