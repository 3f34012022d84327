import { logger } from '@ballast/tracing';
import type { logCreator } from 'kafkajs';

/**
 * kafkajs logs an error for each attempt at a broker that is away and for each ordinary rebalance. All of it goes to `debug`;
 * what an operator must know (broker away and back, consumer crashed) the adapter says itself, once.
 */
export const kafkaLogger: logCreator =
  () =>
  ({ namespace, log: { message, error } }) =>
    logger().debug({ namespace, ...(error !== undefined && { reason: String(error) }) }, `kafkajs: ${message}`);
