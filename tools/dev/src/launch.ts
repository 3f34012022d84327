import { inspectorPort } from '@ballast/cluster';

/** As much of a manifest as it takes to attach to a service. */
interface Service {
  readonly name: string;
  readonly port: number;
}

const skipFiles = ['<node_internals>/**', '**/node_modules/**'];

/** VS Code's `.vscode/launch.json`: attach to each service that `npm run dev` runs, or to all, and run the test file that is open. */
export function launchJson(services: readonly Service[]): string {
  const sorted = [...services].sort((a, b) => (a.name < b.name ? -1 : 1));
  const configurations = [
    ...sorted.map(attach),
    jest('Test: this file', 'jest.config.mjs'),
    jest('Test: this integration test', 'jest.integration.config.mjs'),
  ];
  const compounds = [{ name: 'All services', configurations: sorted.map(({ name }) => name), stopAll: true }];
  const head = '// Made from apps/*/service.ts by npm run sync; services run with npm run dev.\n';
  return `${head}${JSON.stringify({ version: '0.2.0', configurations, compounds }, null, 2)}\n`;
}

function attach({ name, port }: Service): object {
  return {
    ...{ name, type: 'node', request: 'attach', address: '127.0.0.1', port: inspectorPort(port) },
    // After a reload it attaches to the new process.
    restart: { delay: 500, maxAttempts: 120 },
    cwd: '${workspaceFolder}',
    sourceMaps: true,
    outFiles: ['${workspaceFolder}/apps/*/dist/**/*.js', '${workspaceFolder}/libs/*/dist/**/*.js'],
    resolveSourceMapLocations: ['${workspaceFolder}/**', '!**/node_modules/**'],
    skipFiles,
  };
}

function jest(name: string, config: string): object {
  return {
    ...{ name, type: 'node', request: 'launch', console: 'integratedTerminal', cwd: '${workspaceFolder}' },
    program: '${workspaceFolder}/node_modules/jest/bin/jest.js',
    args: ['-c', config, '--runInBand', '--runTestsByPath', '${relativeFile}'],
    sourceMaps: true,
    skipFiles,
  };
}
