import type { JsonSchema } from './compatibility.js';
import { unreadable } from './readable.js';
import { isReplyType, commandTypeOf } from './reply.js';
import type { Statement } from './statement.js';
import { parseType } from './topic.js';

/** What a service gives to the others and takes from them, each by the name that statements use. */
export interface Provided {
  service: string;
  /** By message type: its events, the answers to its commands, the commands it sends. */
  writes: ReadonlyMap<string, JsonSchema>;
  /** By type: its own commands. */
  takes: ReadonlyMap<string, JsonSchema>;
  /** By `<METHOD> <path>`. */
  routes: ReadonlyMap<string, { takes?: JsonSchema; answers?: JsonSchema }>;
}

/**
 * Which consumers `provided` breaks, as sentences that name the consumer, the message or route, and the field; empty when
 * all of them can go on.
 */
export function breaches(provided: Provided, statements: readonly Statement[]): string[] {
  return statements.flatMap((consumer) => [
    ...brokenReads(provided, consumer),
    ...brokenSends(provided, consumer),
    ...brokenCalls(provided, consumer),
  ]);
}

function brokenReads({ service, writes }: Provided, { consumer, reads }: Statement): string[] {
  return Object.entries(reads).flatMap(([type, read]) => {
    const written = writes.get(type);
    if (written) return told(`${consumer} reads ${type}`, written, read);
    return consumer !== service && ownerOf(type) === service ? [`${consumer} reads ${type}, which ${service} no longer writes`] : [];
  });
}

function brokenSends({ service, takes }: Provided, { consumer, sends }: Statement): string[] {
  return Object.entries(sends).flatMap(([type, sent]) => {
    if (ownerOf(type) !== service) return [];
    const taken = takes.get(type);
    return taken ? told(`${consumer} sends ${type}`, sent, taken) : [`${consumer} sends ${type}, which ${service} no longer takes`];
  });
}

function brokenCalls({ service, routes }: Provided, { consumer, calls }: Statement): string[] {
  return Object.entries(calls).flatMap(([name, { sends, reads }]) => {
    const [to, ...rest] = name.split(' ');
    if (to !== service) return [];
    const route = routes.get(rest.join(' '));
    if (!route) return [`${consumer} calls ${name}, which ${service} does not have`];
    return [
      ...(sends ? told(`${consumer} sends to ${name}`, sends, route.takes ?? {}) : []),
      ...(reads ? told(`${consumer} reads from ${name}`, route.answers ?? {}, reads) : []),
    ];
  });
}

const told = (who: string, written: JsonSchema, read: JsonSchema): string[] =>
  unreadable(written, read).map(({ field, reason }) => `${who}: ${field || 'the whole'} ${reason}`);

const ownerOf = (type: string): string => parseType(isReplyType(type) ? commandTypeOf(type) : type).service;
