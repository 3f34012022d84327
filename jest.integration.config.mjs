import preset from './jest.preset.mjs';

/** Tests on a real Postgres and a real Kafka, both started once for the whole run. */
export default {
  ...preset,
  rootDir: '.',
  testMatch: ['<rootDir>/{libs,apps,tools}/*/{src,test}/**/*.int.spec.ts'],
  modulePathIgnorePatterns: ['/dist/'],
  globalSetup: '<rootDir>/libs/testing/src/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/libs/testing/src/jest/global-teardown.mjs',
  // One more than the smallest machine has cores: these tests wait for most of their time. On two cores 228 s, with two workers 332 s.
  maxWorkers: 3,
  testTimeout: 60_000,
};
