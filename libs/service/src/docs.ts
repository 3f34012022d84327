import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { ServiceManifest } from './manifest.js';

/** Only these files of the UI's package are served. */
const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'application/javascript',
};
const INIT = `SwaggerUIBundle({ url: '/docs/json', dom_id: '#swagger-ui', deepLinking: true });`;
/** The UI styles itself inline and embeds its icons. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

/** `/docs` and `/docs/json`. The OpenAPI library is loaded by the first who asks: it would cost every service memory and start-up time. */
export function attachDocs(server: FastifyInstance, app: INestApplication, manifest: ServiceManifest): void {
  const route = { config: { internal: true } };
  let document: Promise<object> | undefined;
  server.get('/docs/json', route, () => {
    document ??= import('./openapi.js').then(({ openApiDocument }) => openApiDocument(app, manifest));
    return document;
  });
  server.get('/docs', route, (_, reply) =>
    reply.header('content-security-policy', POLICY).type('text/html; charset=utf-8').send(pageOf(manifest.name)),
  );
  server.get('/docs/init.js', route, (_, reply) => reply.type('application/javascript').send(INIT));
  for (const [asset, type] of Object.entries(ASSETS))
    server.get(`/docs/${asset}`, route, (_, reply) =>
      reply
        .type(type)
        .header('cache-control', 'public, max-age=86400')
        .send(createReadStream(join(uiDirectory(), asset))),
    );
}

/** Installed as a dependency of the OpenAPI library, so it is looked up from there. */
function uiDirectory(): string {
  const swagger = createRequire(createRequire(import.meta.url).resolve('@nestjs/swagger'));
  return dirname(swagger.resolve('swagger-ui-dist/package.json'));
}

const pageOf = (name: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${name}: API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/init.js"></script></body>
</html>`;
