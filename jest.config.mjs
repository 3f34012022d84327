/** Unit tests of every project in one process; `nx test cart` runs one project's. */
export default { projects: ['<rootDir>/{libs,apps,tools}/*/jest.config.mjs', '<rootDir>/e2e/jest.config.mjs'] };
