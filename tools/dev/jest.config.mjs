import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'dev', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
