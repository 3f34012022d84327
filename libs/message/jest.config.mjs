import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'message', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
