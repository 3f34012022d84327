import { z } from 'zod';
import type { AnyCommand } from './definition.js';

/** The answer to a command. A `code` is one of the contract's failures, or `HANDLER_FAILED` when the handler itself broke. */
export type Reply<R = unknown> = { outcome: 'succeeded'; result: R } | { outcome: 'failed'; code: string; message: string };

/** The code of a command whose handler failed for a technical, repeatable reason; the dead letter says which. */
export const HANDLER_FAILED = 'HANDLER_FAILED';

const SUFFIX = '.reply';
/** The type of a command's answer: `inventory.reserve-stock.v1` → `inventory.reserve-stock.v1.reply`. */
export const replyType = (command: AnyCommand | string): string => (typeof command === 'string' ? command : command.type) + SUFFIX;
export const isReplyType = (type: string): boolean => type.endsWith(SUFFIX);
/** The command's type that a reply's type answers. */
export const commandTypeOf = (type: string): string => type.slice(0, -SUFFIX.length);

const schemas = new WeakMap<AnyCommand, z.ZodType>();

/** The schema of a command's answer. Made once: zod compiles a schema when it is first used, and every reply is checked against one. */
export function replySchema(command: AnyCommand): z.ZodType {
  let schema = schemas.get(command);
  if (!schema) {
    schema = z.discriminatedUnion('outcome', [
      z.object({ outcome: z.literal('succeeded'), result: command.reply }),
      z.object({ outcome: z.literal('failed'), code: z.string(), message: z.string() }),
    ]);
    schemas.set(command, schema);
  }
  return schema;
}
