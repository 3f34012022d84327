import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, readManifests } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';
import { generatedFiles } from './files.js';

/** Part of `npm run sync`: writes what docker compose needs of the manifests. A test fails while the repository holds something else. */
async function main(): Promise<void> {
  const root = workspaceRoot();
  for (const [path, content] of generatedFiles(await readManifests(root))) {
    const file = join(root, path);
    if (readOrNothing(file) === content) continue;
    writeFileSync(file, content);
    console.log(`wrote ${path}`);
  }
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
