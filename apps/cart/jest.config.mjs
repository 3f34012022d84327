import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'cart', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
