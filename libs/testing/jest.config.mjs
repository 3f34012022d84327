import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'testing', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
