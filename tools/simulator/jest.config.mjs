import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'simulator', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
