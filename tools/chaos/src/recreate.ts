import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import type { Docker } from './docker.js';

/** An instance of a service, and the files of compose that it was started from. */
export interface Instance {
  project: string;
  /** `order-1` */
  name: string;
  files: string[];
}

const folder = join(workspaceRoot(), 'tools', 'chaos', 'sabotage');
/** Where the same folder is beside the image's `libs` and `apps`: its modules name what they patch by relative paths. */
const MOUNTED = '/ballast/tools/chaos/sabotage';
/** Seconds until it is healthy. */
const HEALTHY_WITHIN = 120;

export const isModule = (name: string): boolean => /^[a-z-]+$/.test(name) && existsSync(join(folder, `${name}.mjs`));

/** `order-1`, of apps/order: what a module can be put in front of. */
export const isInstance = (name: string): boolean =>
  /^[a-z]+-\d+$/.test(name) && existsSync(join(workspaceRoot(), 'apps', name.replace(/-\d+$/, '')));

/** Whether the project has a container of it, running or not. Without one, compose would start it alone, and wait in vain until it is healthy. */
export async function exists(docker: Docker, { project, name }: Pick<Instance, 'project' | 'name'>): Promise<boolean> {
  const labels = [`label=com.docker.compose.project=${project}`, `label=com.docker.compose.service=${name}`];
  return (await docker(['ps', '-aq', ...labels.flatMap((label) => ['--filter', label])])).trim() !== '';
}

/**
 * Has compose replace the container by one with the module in front, or by one as its files say, and waits until it is healthy. One that is so already
 * stays. With compose's environment of now, as `npm run rollout` does.
 */
export async function recreate(docker: Docker, { project, name, files }: Instance, module?: string): Promise<void> {
  const environment = { NODE_OPTIONS: `--import file://${MOUNTED}/${module}.mjs` };
  const volumes = [{ type: 'bind', source: folder, target: MOUNTED, read_only: true }];
  const override = module && JSON.stringify({ services: { [name]: { environment, volumes } } });
  const from = [...files, ...(override ? ['-'] : [])].flatMap((file) => ['-f', file]);
  const up = ['up', '-d', '--no-deps', '--no-build', '--wait', '--wait-timeout', `${HEALTHY_WITHIN}`, name];
  await docker(['compose', '--project-name', project, '--profile', 'ha', ...from, ...up], {
    // The old one may take half a minute to stop.
    timeout: (HEALTHY_WITHIN + 60) * 1_000,
    ...(override && { input: override }),
  });
}
