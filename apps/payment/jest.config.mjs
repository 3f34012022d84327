import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'payment', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
