import preset from '../../jest.preset.mjs';

export default { ...preset, displayName: 'contracts', modulePathIgnorePatterns: ['<rootDir>/dist/'] };
