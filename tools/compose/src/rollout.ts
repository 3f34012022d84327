import { parseArgs } from 'node:util';
import { ClusterError, messageOf, readManifests } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';
import { Containers } from './containers.js';
import { instancesOf, isPublic } from './instances.js';
import { roll } from './rolling.js';

const help = `npm run rollout [-- SERVICE… --no-build]

Upgrades the services of the running cluster (profile ha), all or those named, one container at a time, to what this checkout
holds. A version that does not come up is taken back. Before each service its image is kept as ballast/SERVICE:previous.

  --no-build   the images are there already: only put containers of them in the place of those that run`;

/** `npm run rollout`: the new version of each service, while the shop stays open. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'no-build': { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help) return console.log(help);
  const manifests = await readManifests(workspaceRoot());
  const unknown = positionals.find((name) => !manifests.some((each) => each.name === name));
  if (unknown) throw new ClusterError(`There is no service "${unknown}": one of ${manifests.map(({ name }) => name).join(', ')}`);
  const running = await Containers.running();
  const services = manifests
    .filter(({ name }) => positionals.length === 0 || positionals.includes(name))
    .map((manifest) => ({ name: manifest.name, instances: instancesOf(manifest, 'ha') }));
  const away = services.flatMap(({ instances }) => instances).filter((instance) => !running.includes(instance));
  if (away.length)
    throw new ClusterError(`${away.join(', ')}: not running. This upgrades a cluster that is up: docker compose --profile ha up --build`);

  const gateways = running.filter((name) => name.startsWith('gateway'));
  const cluster = new Containers(gateways, new Set(manifests.filter(isPublic).map(({ name }) => name)));
  const upgrade = async (service: string) => {
    if (values['no-build']) return;
    console.log(`… building ${service}`);
    await cluster.build(service);
  };
  await roll(services, cluster, upgrade, (line) => console.log(line));
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
