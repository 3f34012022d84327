import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'reconcile', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
