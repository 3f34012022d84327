/** Unit tests of every project in one run; `nx test cart` runs one project's. */
export default {
  projects: ['<rootDir>/{libs,apps,tools}/*/jest.config.mjs', '<rootDir>/e2e/jest.config.mjs'],
  // Jest leaves one core free, which of two is half.
  maxWorkers: '100%',
};
