import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { parse } from 'yaml';

interface Service {
  network_mode?: string;
  networks?: object;
}

const folder = join(workspaceRoot(), 'infra', 'compose');

it.each(readdirSync(folder))('%s has no service that is on a network and on none, which Compose takes for an invalid project', (file) => {
  const { services } = parse(readFileSync(join(folder, file), 'utf8'), { merge: true, logLevel: 'error' }) as {
    services?: Record<string, Service>;
  };
  // A tag such as `!reset` is for files that are merged, not for what one file says twice.
  const both = Object.entries(services ?? {}).filter(
    ([, { network_mode: mode, networks }]) => mode !== undefined && networks !== undefined,
  );
  expect(both.map(([name]) => name)).toEqual([]);
});
