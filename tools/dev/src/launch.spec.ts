import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceManifest } from '@ballast/service/manifest';
import { workspaceRoot } from '@ballast/testing';
import { launchJson } from './launch.js';
import { serviceNames } from './log-sources.js';

describe('.vscode/launch.json', () => {
  it('is what the manifests make it: npm run sync writes it', async () => {
    const manifests = await Promise.all(
      serviceNames().map(
        async (name) => ((await import(join(workspaceRoot(), 'apps', name, 'service.ts'))) as { default: ServiceManifest }).default,
      ),
    );
    expect(readFileSync(join(workspaceRoot(), '.vscode', 'launch.json'), 'utf8')).toBe(launchJson(manifests));
  });

  it('attaches to each service at its port + 10000, again after a reload, and to all', () => {
    const { configurations, compounds } = JSON.parse(launchJson([{ name: 'cart', port: 3002 }]).replace(/^\/\/.*\n/, '')) as {
      configurations: object[];
      compounds: object[];
    };
    expect(configurations[0]).toMatchObject({
      name: 'cart',
      request: 'attach',
      address: '127.0.0.1',
      port: 13002,
      restart: expect.anything(),
    });
    expect(compounds).toEqual([{ name: 'All services', configurations: ['cart'], stopAll: true }]);
  });
});
