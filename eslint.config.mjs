import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** Which sibling may import which: the direction that docs/adr/0001 sets. */
const boundaries = [
  { sourceTag: 'name:message', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'name:resilience', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'name:tracing', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'name:contracts', onlyDependOnLibsWithTags: ['name:message'] },
  { sourceTag: 'name:database', onlyDependOnLibsWithTags: ['name:tracing', 'name:resilience'] },
  { sourceTag: 'name:messaging', onlyDependOnLibsWithTags: ['name:database', 'name:message', 'name:tracing', 'name:resilience'] },
  {
    sourceTag: 'name:saga',
    onlyDependOnLibsWithTags: ['name:messaging', 'name:database', 'name:message', 'name:tracing', 'name:resilience'],
  },
  { sourceTag: 'name:testing', onlyDependOnLibsWithTags: [] },
  {
    sourceTag: 'name:service',
    onlyDependOnLibsWithTags: ['name:saga', 'name:messaging', 'name:database', 'name:message', 'name:tracing', 'name:resilience'],
  },
  // Services meet only in contracts: never app → app.
  { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:lib'] },
  // The cluster reads the apps' manifests from their compiled output, by folder: it imports none.
  { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['type:lib', 'type:tool'] },
  // It runs the services' own logic, in one process and on simulated ports: the one project that puts apps together.
  { sourceTag: 'type:simulator', onlyDependOnLibsWithTags: ['type:lib', 'type:app', 'type:e2e'] },
  { sourceTag: 'type:e2e', onlyDependOnLibsWithTags: ['type:lib', 'type:tool', 'type:e2e'] },
];

/** Tests may use the launchers and a neighbour app's process beside what their project may. */
const testBoundaries = boundaries.map(({ sourceTag, onlyDependOnLibsWithTags }) => ({
  sourceTag,
  onlyDependOnLibsWithTags: [...onlyDependOnLibsWithTags, 'name:testing'],
}));

const enforce = (depConstraints) => ({
  '@nx/enforce-module-boundaries': [
    'error',
    {
      enforceBuildableLibDependency: false,
      allow: [],
      depConstraints,
      // libs/service loads these only for a service that speaks messages; its own tests and test helpers always do.
      checkDynamicDependenciesExceptions: ['@ballast/messaging', '@ballast/saga'],
    },
  ],
});

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.ballast/**', '.nx/**', 'coverage/**'] },
  ...tseslint.configs.recommended,
  prettier,
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    rules: {
      ...enforce(boundaries),
      '@typescript-eslint/consistent-type-imports': 'off', // Nest reads constructor types at run time
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config.ts reads the environment: take the value as an option.' },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.spec.ts', '**/test/**/*.ts', 'e2e/**/*.ts'],
    rules: { ...enforce(testBoundaries), 'no-restricted-properties': 'off' },
  },
  {
    files: ['**/config.ts', 'libs/tracing/src/register.ts', 'libs/testing/**/*.ts', 'tools/**/*.ts', 'libs/service/src/env.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  { files: ['tools/**/*.ts', '**/write-schemas.ts', 'libs/testing/**/*.ts'], rules: { 'no-console': 'off' } },
);
