import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'order', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
