import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'soak', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
