export * from './compatibility.js';
export * from './definition.js';
export * from './envelope.js';
export * from './errors.js';
export * from './incoming.js';
export * from './reply.js';
export * from './schema-files.js';
export * from './topic.js';
