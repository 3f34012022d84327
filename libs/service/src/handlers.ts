import type { INestApplication } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { OPEN, ROLES } from './access.js';

export interface Handler {
  readonly prototype: object;
  readonly name: string;
  readonly handler: object;
  readonly open: boolean;
  readonly roles: readonly string[] | undefined;
}

/** Every method of every controller, with what it asks of its caller. */
export function handlersOf(app: INestApplication): Handler[] {
  const reflector = app.get(Reflector);
  const scanner = new MetadataScanner();
  const controllers = app.get(DiscoveryService, { strict: false }).getControllers();
  return controllers.flatMap(({ instance, metatype }) => {
    const prototype = Object.getPrototypeOf(instance) as Record<string, () => unknown>;
    return scanner.getAllMethodNames(prototype).map((name) => {
      const targets = [prototype[name]!, metatype as () => unknown];
      return {
        prototype,
        name,
        handler: prototype[name]!,
        open: reflector.getAllAndOverride<boolean>(OPEN, targets) === true,
        roles: reflector.getAllAndOverride<string[]>(ROLES, targets),
      };
    });
  });
}
