import { readFileSync } from 'node:fs';

const { sourceMaps, jsc } = JSON.parse(readFileSync(new URL('./.swcrc', import.meta.url), 'utf8'));

/** Jest runs CommonJS here (see docs/adr/0002), so every ESM-only dependency is transformed. */
const esmOnly = ['@nestjs', 'jose', 'cockatiel', 'uuid', 'listr2', '@platformatic'].join('|');

export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons', 'require', 'default'] },
  testMatch: ['<rootDir>/{src,test}/**/!(*.int|*.e2e|*.drill|*.cluster).spec.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.(ts|js|mjs)$': ['@swc/jest', { sourceMaps, jsc, module: { type: 'commonjs' }, swcrc: false }] },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly})/)`],
};
