import type { INestApplication } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { answersOf } from './answers.js';
import { type Handler, handlersOf } from './handlers.js';
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
  handlersOf(app).forEach(describe);
  const settings = new DocumentBuilder().setTitle(manifest.name).addBearerAuth().build();
  const document = SwaggerModule.createDocument(app, settings);
  document.components = { ...document.components, schemas: { ...document.components?.schemas, Problem: PROBLEM as never } };
  return document;
}

function describe({ prototype, name, handler, open, roles }: Handler): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  if (!descriptor) return;
  const answers = answersOf(handler);
  if (answers) {
    const { status, schema } = answers;
    ApiResponse({ status, description: '', ...(schema && { standardSchema: schema as never }) })(prototype, name, descriptor);
  }
  if (!open) ApiBearerAuth()(prototype, name, descriptor);
  const problems = [
    platformErrors.VALIDATION_FAILED(),
    ...(open ? [] : [platformErrors.UNAUTHENTICATED()]),
    ...(roles ? [platformErrors.FORBIDDEN()] : []),
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
