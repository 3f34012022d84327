export { given, type AfterReply, type AwaitingReply, type GivenOptions } from './given.js';
