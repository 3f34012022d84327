import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'saga', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
