import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** Remembers every route, so that a wrong method can be told from a wrong path. */
@Injectable()
export class Routes {
  private readonly routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();

  attach(server: FastifyInstance): void {
    server.addHook('onRoute', ({ url, method }) => {
      const route = this.routes.get(url) ?? { pattern: patternOf(url), methods: new Set() };
      for (const name of [method].flat()) route.methods.add(name);
      this.routes.set(url, route);
    });
  }

  /** The methods a path takes; none for a path that is no route. */
  methodsAt(path: string): string[] {
    const methods = [...this.routes.values()].filter((r) => r.pattern.test(path)).flatMap((r) => [...r.methods]);
    return [...new Set(methods)].sort();
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment === '*' ? '.*' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
  return new RegExp(`^${source}$`);
}
