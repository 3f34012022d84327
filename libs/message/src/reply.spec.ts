import { z } from 'zod';
import { command } from './definition.js';
import { replySchema } from './reply.js';

const ping = command('shop.ping.v1', { payload: z.object({}), reply: z.object({ n: z.int() }), failures: ['NO'] });

it('lets an answer or a refusal through, and nothing else', () => {
  expect(replySchema(ping).parse({ outcome: 'succeeded', result: { n: 1, more: 2 } })).toEqual({ outcome: 'succeeded', result: { n: 1 } });
  expect(replySchema(ping).safeParse({ outcome: 'failed', code: 'NO', message: 'no' }).success).toBe(true);
  expect(replySchema(ping).safeParse({ outcome: 'succeeded', result: { n: 'one' } }).success).toBe(false);
});

it('is one schema for each command: zod compiles it once, not for every reply', () => {
  expect(replySchema(ping)).toBe(replySchema(ping));
  expect(replySchema(ping)).not.toBe(replySchema(command('shop.pong.v1', { payload: z.object({}) })));
});
