import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ServiceManifest } from '@ballast/service/manifest';
import { workspaceRoot } from '@ballast/testing';
import { ClusterError, messageOf } from './errors.js';

/** The manifest of every folder in `apps/`: the only list of services there is. A service that is needed comes before who needs it. */
export async function readManifests(root = workspaceRoot()): Promise<ServiceManifest[]> {
  const folders = readdirSync(join(root, 'apps')).filter((folder) => existsSync(join(root, 'apps', folder, 'service.ts')));
  const manifests = await Promise.all(folders.sort().map((folder) => readManifest(root, folder)));
  return inOrderOfNeed(manifests);
}

async function readManifest(root: string, folder: string): Promise<ServiceManifest> {
  const file = join(root, 'apps', folder, 'dist', 'service.js');
  if (!existsSync(file)) throw new ClusterError(`apps/${folder} is not built: run npm run build`);
  try {
    const { default: manifest } = (await import(pathToFileURL(file).href)) as { default: ServiceManifest };
    if (manifest.name !== folder) throw new Error(`its name is "${manifest.name}", its folder "${folder}"`);
    return manifest;
  } catch (error) {
    throw new ClusterError(`apps/${folder}/service.ts is wrong: ${messageOf(error)}`, { cause: error });
  }
}

/** Sorts by `needs`, and refuses what could not run side by side. */
export function inOrderOfNeed(manifests: readonly ServiceManifest[]): ServiceManifest[] {
  const byName = new Map(manifests.map((manifest) => [manifest.name, manifest]));
  refuseDoubles(manifests, 'port', (manifest) => [manifest.port]);
  refuseDoubles(manifests, 'route', (manifest) => manifest.routes);

  const sorted: ServiceManifest[] = [];
  const visit = (manifest: ServiceManifest, path: readonly string[]) => {
    if (sorted.includes(manifest)) return;
    if (path.includes(manifest.name))
      throw new ClusterError(`Services need each other in a circle: ${[...path, manifest.name].join(' → ')}`);
    for (const need of manifest.needs) {
      const needed = byName.get(need);
      if (!needed) throw new ClusterError(`apps/${manifest.name}/service.ts needs "${need}", but there is no apps/${need}/service.ts`);
      visit(needed, [...path, manifest.name]);
    }
    sorted.push(manifest);
  };
  for (const manifest of manifests) visit(manifest, []);
  return sorted;
}

function refuseDoubles<T>(
  manifests: readonly ServiceManifest[],
  what: string,
  valuesOf: (manifest: ServiceManifest) => readonly T[],
): void {
  const owners = new Map<T, string>();
  for (const manifest of manifests) {
    for (const value of valuesOf(manifest)) {
      const owner = owners.get(value);
      if (owner !== undefined) throw new ClusterError(`apps/${owner} and apps/${manifest.name} both have the ${what} ${String(value)}`);
      owners.set(value, manifest.name);
    }
  }
}
