import type { AnyCommand, AnyEventReader } from '@ballast/message';
import type { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { CONSUMES } from './consume.js';
import type { AnyIntent } from './intent.js';
import { PERFORMS, type Attempt, type PerformOptions, type Settlement } from './perform.js';
import type { Found, FoundHandler, FoundPerformer } from './wiring.js';

type Method = (...args: unknown[]) => unknown;

/** Every `@Consume` and `@Perform` method of the application's providers. Throws for one on a provider that is not a singleton. */
export function discover(discovery: DiscoveryService, scanner: MetadataScanner): Found {
  const handlers: FoundHandler[] = [];
  const performers: FoundPerformer[] = [];
  const seen = new Set<object>();
  for (const wrapper of discovery.getProviders()) {
    const prototype: unknown = wrapper.metatype?.prototype ?? (wrapper.instance && Object.getPrototypeOf(wrapper.instance));
    if (typeof prototype !== 'object' || prototype === null || prototype === Object.prototype) continue;
    // `useExisting` gives the same instance a second name.
    if (wrapper.instance && seen.has(wrapper.instance as object)) continue;
    if (wrapper.instance) seen.add(wrapper.instance as object);
    for (const name of scanner.getAllMethodNames(prototype)) {
      const method = (prototype as Record<string, Method>)[name]!;
      const definitions = (Reflect.getMetadata(CONSUMES, method) ?? []) as (AnyEventReader | AnyCommand)[];
      const intents = (Reflect.getMetadata(PERFORMS, method) ?? []) as { definition: AnyIntent; options: PerformOptions }[];
      if (definitions.length + intents.length === 0) continue;
      const where = `${prototype.constructor.name}.${name}`;
      const instance = wrapper.instance as object | undefined;
      if (!wrapper.isDependencyTreeStatic() || !instance)
        throw new Error(
          `${where} has @Consume or @Perform, but its provider is request-scoped: messages have no request, make it a singleton`,
        );
      const call: Method = method.bind(instance);
      for (const definition of definitions) handlers.push({ definition, where, call });
      for (const { definition, options } of intents)
        performers.push({ definition, options, where, perform: (attempt: Attempt) => call(attempt) as Promise<Settlement> });
    }
  }
  return { handlers, performers };
}
