import { Inject, Injectable, type OnApplicationBootstrap, RequestMethod } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { isAudited } from './audit.js';
import { OPS } from './ops-names.js';

/** Refuses to start a service in which an operator could change something without a row in the audit. */
@Injectable()
export class OpsWiring implements OnApplicationBootstrap {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  onApplicationBootstrap(): void {
    const unaudited = this.discovery.getControllers().flatMap(({ metatype }) => {
      if (!metatype || this.reflector.get<string>(OPS, metatype) === undefined) return [];
      const prototype = metatype.prototype as Record<string, object>;
      return this.scanner
        .getAllMethodNames(prototype)
        .filter((name) => writes(prototype[name]!) && !isAudited(prototype[name]!))
        .map((name) => `${metatype.name}.${name}`);
    });
    if (unaudited.length > 0)
      throw new Error(`${unaudited.join(', ')}: a handler of an @OpsController that is no GET takes @Audited() and does its work in run()`);
  }
}

const writes = (handler: object): boolean => {
  const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
  return method !== undefined && method !== RequestMethod.GET && method !== RequestMethod.HEAD;
};
