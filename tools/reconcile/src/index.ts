export { reconcile } from './command.js';
export { type Kind, type KindCode, kindCodes, kinds } from './kinds.js';
