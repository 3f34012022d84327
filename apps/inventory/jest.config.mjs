import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'inventory', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
