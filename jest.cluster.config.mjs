import preset from './jest.preset.mjs';

/** Against a cluster in containers that is up: docker compose --profile ha up. Where it is, tests read from the environment. */
export default {
  ...preset,
  rootDir: '.',
  testMatch: ['<rootDir>/e2e/src/*.cluster.spec.ts'],
  modulePathIgnorePatterns: ['/dist/'],
  maxWorkers: 1,
  testTimeout: 300_000,
};
