import preset from './jest.preset.mjs';

/** Journeys and crash tests against the whole platform, started as `npm start` starts it. */
export default {
  ...preset,
  rootDir: '.',
  testMatch: ['<rootDir>/e2e/src/*.e2e.spec.ts'], // *.drill.spec.ts: jest.drills.config.mjs
  modulePathIgnorePatterns: ['/dist/'],
  globalSetup: '<rootDir>/e2e/global-setup.mjs',
  globalTeardown: '<rootDir>/e2e/global-teardown.mjs',
  maxWorkers: 1,
  testTimeout: 180_000,
};
