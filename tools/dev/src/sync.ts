import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, readManifests } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';
import { launchJson } from './launch.js';

/** Part of `npm run sync`: launch configurations from the services' manifests. */
async function main(): Promise<void> {
  const file = join(workspaceRoot(), '.vscode', 'launch.json');
  const text = launchJson(await readManifests());
  const same = existsSync(file) && readFileSync(file, 'utf8') === text;
  mkdirSync(dirname(file), { recursive: true });
  if (!same) writeFileSync(file, text);
  if (!same) console.log('wrote .vscode/launch.json');
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
