import 'reflect-metadata';
import {
  breaches,
  type JsonSchema,
  type Provided,
  readSchema,
  readStatements,
  replySchema,
  replyType,
  type Statement,
  writtenSchema,
} from '@ballast/message';
import { RequestMethod, type Type } from '@nestjs/common';
import { PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { z } from 'zod';
import { answersOf } from './answers.js';
import type { ServiceManifest } from './manifest.js';

/** What the service's manifest says that it needs of the others: the contents of its file beside the schemas. */
export function statementOf({ name, messages, consumes, sends, calls }: ServiceManifest): Statement {
  const own = messages.flatMap((m) => (m.kind === 'command' && m.service === name ? [m] : []));
  return {
    consumer: name,
    reads: sorted([
      ...[...consumes, ...own].map(({ type, payload }) => [type, readSchema(payload as z.ZodType)] as const),
      ...sends.map((command) => [replyType(command), readSchema(replySchema(command))] as const),
    ]),
    sends: sorted(sends.map(({ type, payload }) => [type, writtenSchema(payload as z.ZodType)])),
    calls: sorted(
      calls.map(({ to, method, path, sends, reads }) => [
        `${to} ${method} ${path}`,
        { ...(sends && { sends: writtenSchema(sends) }), ...(reads && { reads: readSchema(reads) }) },
      ]),
    ),
  };
}

/** What the service gives to the others, and takes from them: its messages, and the routes of its controllers. */
export function providedBy({ name, messages, sends }: ServiceManifest, controllers: readonly Type[]): Provided {
  const own = messages.filter(({ service }) => service === name);
  const commands = own.flatMap((m) => (m.kind === 'command' ? [m] : []));
  const events = own.filter(({ kind }) => kind === 'event');
  return {
    service: name,
    writes: new Map([
      ...[...events, ...sends].map(({ type, payload }) => [type, writtenSchema(payload as z.ZodType)] as const),
      ...commands.map((command) => [replyType(command), writtenSchema(replySchema(command))] as const),
    ]),
    takes: new Map(commands.map(({ type, payload }) => [type, readSchema(payload as z.ZodType)])),
    routes: new Map(controllers.flatMap(routesOf)),
  };
}

/**
 * The consumers that this service breaks, by name and field, and its own statement if the committed one is not what its
 * manifest says. Empty is what its tests expect. `directory` holds one `<consumer>.json` each.
 */
export function contractProblems(manifest: ServiceManifest, directory: string, controllers: readonly Type[] = []): string[] {
  const statements = readStatements(directory);
  const own = statementOf(manifest);
  const committed = statements.find(({ consumer }) => consumer === manifest.name);
  const fresh = JSON.stringify(committed ?? { ...own, reads: {}, sends: {}, calls: {} }) === JSON.stringify(own);
  return [
    ...breaches(providedBy(manifest, controllers), statements),
    ...(fresh ? [] : [`${manifest.name}.json is not what apps/${manifest.name}/service.ts says: run npm run schemas and commit it`]),
  ];
}

type Route = readonly [string, { takes?: JsonSchema; answers?: JsonSchema }];

function routesOf(controller: Type): Route[] {
  const prototype = controller.prototype as Record<string, object>;
  const base = Reflect.getMetadata(PATH_METADATA, controller) as string;
  return Object.getOwnPropertyNames(prototype).flatMap((name): Route[] => {
    const handler = prototype[name]!;
    const path = Reflect.getMetadata(PATH_METADATA, handler) as string | undefined;
    if (name === 'constructor' || path === undefined) return [];
    const method = RequestMethod[Reflect.getMetadata('method', handler) as RequestMethod];
    const [body, answers] = [bodyOf(controller, name), answersOf(handler)?.schema];
    const at = `/${[base, path].flatMap((part) => part.split('/').filter(Boolean)).join('/')}`;
    return [[`${method} ${at}`, { ...(body && { takes: readSchema(body) }), ...(answers && { answers: readSchema(answers) }) }]];
  });
}

const BODY = '3:';
function bodyOf(controller: Type, method: string): z.ZodType | undefined {
  const parameters = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<string, { schema?: z.ZodType }>;
  return Object.entries(parameters).find(([kind]) => kind.startsWith(BODY))?.[1].schema;
}

const sorted = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
