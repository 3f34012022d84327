import preset from './jest.preset.mjs';

/** Tests on a real Postgres and a real Kafka, both started once for the whole run. */
export default {
  ...preset,
  rootDir: '.',
  testMatch: ['<rootDir>/{libs,apps,tools}/*/{src,test}/**/*.int.spec.ts'],
  modulePathIgnorePatterns: ['/dist/'],
  globalSetup: '<rootDir>/libs/testing/src/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/libs/testing/src/jest/global-teardown.mjs',
  // Twice the cores of the smallest machine: these tests wait for most of their time.
  maxWorkers: 4,
  testSequencer: '<rootDir>/jest.sequencer.mjs',
  testTimeout: 60_000,
};
