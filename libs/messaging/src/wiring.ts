import { check, isReplyType, commandTypeOf, type AnyCommand, type AnyDefinition, type AnyEventReader } from '@ballast/message';
import type { Reply } from '@ballast/message';
import type { Tx } from '@ballast/database';
import type { Envelope } from '@ballast/message';
import { z } from 'zod';
import { Deferred, Refusal } from './answer.js';
import type { Performer } from './intent.worker.js';
import type { Replies, ReplyListener } from './replies.js';
import type { Route, Router } from './route.js';

/** A `@Consume` method that was found. */
export interface FoundHandler {
  definition: AnyEventReader | AnyCommand;
  /** `Class.method`, for messages to people. */
  where: string;
  call(message: Envelope, tx: Tx): unknown;
}

/** A `@Perform` method that was found. */
export type FoundPerformer = Performer & { where: string };

export interface Found {
  handlers: readonly FoundHandler[];
  performers: readonly FoundPerformer[];
}

export interface Wanted {
  service: string;
  definitions: readonly AnyDefinition[];
  consumes: readonly AnyEventReader[];
}

/** The application is wired wrongly and does not start. Names every mistake and what to do about it. */
export class WiringError extends Error {
  constructor(service: string, mistakes: readonly string[]) {
    super(`${service} cannot start, its messages are wired wrongly:\n${mistakes.map((m) => `  - ${m}`).join('\n')}`);
    this.name = 'WiringError';
  }
}

/** Every message this service must handle has exactly one handler, and nothing else has one; throws `WiringError`. */
export function checkWiring({ service, definitions, consumes }: Wanted, { handlers, performers }: Found): void {
  const ownCommands = definitions.filter((d) => d.kind === 'command' && d.service === service);
  const mistakes: string[] = [];
  for (const { type } of ownCommands)
    if (!handlers.some((h) => h.definition.type === type))
      mistakes.push(`command ${type} has no handler: add @Consume(…) with its definition to a method of a provider of ${service}`);
  for (const { type } of consumes)
    if (!handlers.some((h) => h.definition.type === type))
      mistakes.push(
        `event ${type} is in \`consumes\` and has no handler: add @Consume(…) with its definition to a method of a provider, or take it out of apps/${service}/service.ts`,
      );
  for (const { definition, where } of handlers) {
    const stated = consumes.find((e) => e.type === definition.type);
    if (definition.kind === 'event' && !stated)
      mistakes.push(
        `${where} handles event ${definition.type}, which is not in \`consumes\`: add it in apps/${service}/service.ts, or remove the @Consume`,
      );
    if (definition.kind === 'event' && stated && stated !== definition)
      mistakes.push(
        `${where} reads ${definition.type} otherwise than \`consumes\` states: give @Consume the very definition that apps/${service}/service.ts lists`,
      );
    if (definition.kind === 'command' && definition.service !== service)
      mistakes.push(`${where} handles command ${definition.type}, which belongs to ${definition.service}: remove the @Consume`);
    else if (definition.kind === 'command' && !ownCommands.some((d) => d.type === definition.type))
      mistakes.push(`${where} handles command ${definition.type}, which is not among the \`definitions\`: export it from the contracts`);
  }
  for (const [type, places] of doubles(handlers.map((h) => [h.definition.type, h.where])))
    mistakes.push(
      `${type} has ${places.length} handlers, ${places.join(' and ')}: keep one @Consume, or register its provider in one module only`,
    );
  for (const [kind, places] of doubles(performers.map((p) => [p.definition.kind, p.where])))
    mistakes.push(`intent "${kind}" has ${places.length} performers, ${places.join(' and ')}: keep one @Perform`);
  if (mistakes.length) throw new WiringError(service, mistakes);
}

function doubles(entries: readonly (readonly [string, string])[]): [string, string[]][] {
  const places = new Map<string, string[]>();
  for (const [name, where] of entries) places.set(name, [...(places.get(name) ?? []), where]);
  return [...places].filter(([, all]) => all.length > 1);
}

/** By type: this service's handlers, and the saga engine for every reply, if there is one. */
export function routerOf(handlers: readonly FoundHandler[], replies: Replies): Router {
  const routes = new Map(handlers.map((handler) => [handler.definition.type, routeOf(handler)]));
  return (type) => {
    const route = routes.get(type);
    if (route || !replies.listener || !isReplyType(type)) return route;
    return replyRoute(type, replies.listener);
  };
}

function routeOf({ definition, call, where }: FoundHandler): Route {
  return {
    kind: definition.kind,
    type: definition.type,
    parse: (envelope) => ({ ...envelope, payload: check(definition.type, definition.payload, envelope.payload) }),
    async handle(envelope, tx) {
      const answer = await call(envelope, tx);
      if (definition.kind === 'command') return toReply(definition, answer);
      // What a handler asks for must not be lost in silence, where a cast or plain JavaScript got it past the compiler.
      if (answer instanceof Deferred || answer instanceof Refusal)
        throw new TypeError(`${where} answers event ${definition.type} with ${answer.constructor.name}: only a command can be answered`);
    },
  };
}

function toReply(definition: AnyCommand, answer: unknown): Reply | Deferred {
  if (answer instanceof Deferred) return answer;
  if (answer instanceof Refusal) return { outcome: 'failed', code: answer.code, message: answer.message };
  return { outcome: 'succeeded', result: checkResult(definition, answer ?? {}) };
}

/** What the contract lets through of a command's result; throws `InvalidPayloadError`. */
export const checkResult = (definition: AnyCommand, result: unknown): unknown =>
  check(`${definition.type} result`, definition.reply as z.ZodType, result);

const anyReply: z.ZodType<Reply> = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('succeeded'), result: z.unknown() }),
  z.object({ outcome: z.literal('failed'), code: z.string(), message: z.string() }),
]);

function replyRoute(type: string, listener: ReplyListener): Route {
  return {
    kind: 'reply',
    type,
    parse: (envelope) => ({ ...envelope, payload: check(type, anyReply, envelope.payload) }),
    async handle({ causationId = '', sagaId, key, payload, trace }, tx) {
      await listener(
        { commandId: causationId, commandType: commandTypeOf(type), sagaId: sagaId ?? key, reply: payload as Reply, trace },
        tx,
      );
    },
  };
}
