import { type INestApplication, RequestMethod } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiResponse, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { answersOf, headerOf } from './answers.js';
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
    traceId: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    errors: { type: 'array', items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } } },
  },
} as const;
const WITH_BODY = [RequestMethod.POST, RequestMethod.PUT, RequestMethod.PATCH, RequestMethod.DELETE];

/**
 * The OpenAPI document of a running service, from its controllers' zod schemas, `@Answers()`, and what the platform itself may answer
 * before or around a handler. It is complete but for 405 and 408, which belong to no operation, and 500.
 */
export function openApiDocument(app: INestApplication, manifest: ServiceManifest): OpenAPIObject {
  handlersOf(app).forEach(describe);
  const settings = new DocumentBuilder().setTitle(manifest.name).addBearerAuth().build();
  const document = SwaggerModule.createDocument(app, settings);
  document.components = { ...document.components, schemas: { ...document.components?.schemas, Problem: PROBLEM as never } };
  return document;
}

function describe(route: Handler): void {
  const { prototype, name, handler, open } = route;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  if (!descriptor) return;
  const apply = (decorator: MethodDecorator) => void decorator(prototype, name, descriptor);
  const answers = answersOf(handler);
  if (answers) {
    const { status, schema } = answers;
    apply(ApiResponse({ status, description: '', ...(schema && { standardSchema: schema as never }) }));
  }
  const header = headerOf(handler);
  if (header)
    apply(ApiHeader({ name: header.name, required: true, schema: z.toJSONSchema(header.schema, { target: 'openapi-3.0' }) as never }));
  if (!open) apply(ApiBearerAuth());
  for (const [status, several] of byStatus([...platformProblems(route), ...(header?.problems ?? []), ...(answers?.problems ?? [])])) {
    const codes = [...new Set(several.map((problem) => problem.code))];
    const schema = {
      allOf: [
        { $ref: '#/components/schemas/Problem' },
        { type: 'object', properties: { status: { type: 'integer', enum: [status] }, code: { type: 'string', enum: codes } } },
      ],
    };
    apply(ApiResponse({ status, description: codes.join(', '), content: { 'application/problem+json': { schema } } } as never));
  }
}

/** What any route of its kind may answer, whatever its handler does. */
function platformProblems({ prototype, handler, open, roles }: Handler): ProblemError[] {
  const path = [prototype.constructor, handler].map((target) => String(Reflect.getMetadata('path', target))).join('/');
  const takesBody = WITH_BODY.includes(Reflect.getMetadata('method', handler) as RequestMethod);
  return [
    platformErrors.BAD_REQUEST(),
    platformErrors.VALIDATION_FAILED(),
    ...(takesBody ? [platformErrors.INVALID_JSON(), platformErrors.PAYLOAD_TOO_LARGE(), platformErrors.UNSUPPORTED_MEDIA_TYPE()] : []),
    ...(path.includes(':') ? [platformErrors.URI_TOO_LONG()] : []),
    ...(open ? [] : [platformErrors.UNAUTHENTICATED(), platformErrors.TOKEN_KEYS_UNAVAILABLE()]),
    ...(roles ? [platformErrors.FORBIDDEN()] : []),
    platformErrors.TOO_MANY_REQUESTS(),
    platformErrors.UNAVAILABLE(),
    platformErrors.OVERLOADED(),
    platformErrors.OUTCOME_UNKNOWN(),
  ];
}

function byStatus(problems: ProblemError[]): Map<number, ProblemError[]> {
  const groups = new Map<number, ProblemError[]>();
  for (const problem of problems) groups.set(problem.status, [...(groups.get(problem.status) ?? []), problem]);
  return groups;
}
