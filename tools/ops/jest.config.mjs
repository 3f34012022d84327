import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'ops', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
