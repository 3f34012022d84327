import type { INestApplication } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiResponse, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { OPEN, ROLES } from './access.js';
import { answersOf } from './answers.js';
import type { ServiceManifest } from './manifest.js';
import { platformErrors } from './platform.errors.js';
import type { ProblemError } from './problem.js';

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'instance', 'traceId'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    instance: { type: 'string' },
    traceId: { type: 'string' },
    errors: { type: 'array', items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } } },
  },
} as const;

/** The OpenAPI document of a running service, from its controllers' zod schemas and `@Answers()`. */
export function openApiDocument(app: INestApplication, manifest: ServiceManifest): OpenAPIObject {
  describeRoutes(app);
  const settings = new DocumentBuilder().setTitle(manifest.name).addBearerAuth().build();
  const document = SwaggerModule.createDocument(app, settings);
  document.components = { ...document.components, schemas: { ...document.components?.schemas, Problem: PROBLEM as never } };
  return document;
}

function describeRoutes(app: INestApplication): void {
  const reflector = app.get(Reflector);
  const scanner = new MetadataScanner();
  for (const { instance, metatype } of app.get(DiscoveryService).getControllers()) {
    const prototype = Object.getPrototypeOf(instance) as Record<string, object>;
    for (const name of scanner.getAllMethodNames(prototype)) {
      const handler = prototype[name] as () => unknown;
      const targets = [handler, metatype as () => unknown];
      const open = reflector.getAllAndOverride<boolean>(OPEN, targets) === true;
      const roles = reflector.getAllAndOverride<string[]>(ROLES, targets);
      describe(prototype, name, handler, { open, roles: roles !== undefined });
    }
  }
}

function describe(prototype: object, name: string, handler: object, access: { open: boolean; roles: boolean }): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  if (!descriptor) return;
  const answers = answersOf(handler);
  if (answers) {
    const { status, schema } = answers;
    ApiResponse({ status, description: '', ...(schema && { standardSchema: schema as never }) })(prototype, name, descriptor);
  }
  if (!access.open) ApiBearerAuth()(prototype, name, descriptor);
  const problems = [
    platformErrors.VALIDATION_FAILED(),
    ...(access.open ? [] : [platformErrors.UNAUTHENTICATED()]),
    ...(access.roles ? [platformErrors.FORBIDDEN()] : []),
    platformErrors.TOO_MANY_REQUESTS(),
    platformErrors.UNAVAILABLE(),
    ...(answers?.problems ?? []),
  ];
  for (const [status, several] of byStatus(problems)) {
    const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
    ApiResponse({ status, description: several.map((p) => p.code).join(', '), content } as never)(prototype, name, descriptor);
  }
}

function byStatus(problems: ProblemError[]): Map<number, ProblemError[]> {
  const groups = new Map<number, ProblemError[]>();
  for (const problem of problems) groups.set(problem.status, [...(groups.get(problem.status) ?? []), problem]);
  return groups;
}
