export * from './definition.js';
export * from './sagas.js';
export * from './status.js';
