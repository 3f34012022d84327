import preset from './jest.preset.mjs';

/** What breaks the platform's foundations, on a platform of its own (see e2e/src/drill.ts), and brokers, one by one. */
export default {
  ...preset,
  rootDir: '.',
  testMatch: ['<rootDir>/{e2e/src,libs/*/test}/*.drill.spec.ts'],
  modulePathIgnorePatterns: ['/dist/'],
  globalSetup: '<rootDir>/e2e/drill-setup.mjs',
  globalTeardown: '<rootDir>/e2e/drill-teardown.mjs',
  maxWorkers: 1,
  testTimeout: 600_000,
};
