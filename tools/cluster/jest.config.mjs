import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'cluster', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
