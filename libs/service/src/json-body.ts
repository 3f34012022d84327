import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { platformErrors } from './platform.errors.js';

const MAX_DEPTH = 32;

/**
 * JSON in UTF-8 and nothing else. Refused like what is not JSON: a body that would touch a prototype, that nests deeper than 32, or whose text
 * no Postgres column takes.
 */
export function acceptJsonOnly(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    if (bytes.length === 0) return done(null, undefined);
    const body = bytes.toString();
    if (!isUtf8(bytes) || tooDeep(body)) return done(platformErrors.INVALID_JSON());
    parse(request, body, (error, value) => (error || unstorable(body, value) ? done(platformErrors.INVALID_JSON()) : done(null, value)));
  });
}

/** Parsing is iterative, but what walks the value afterwards recurses. Brackets inside strings do not count. */
function tooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === 0x5c) i++;
      else if (c === 0x22) quoted = false;
    } else if (c === 0x22) quoted = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return false;
}

/** NUL and half a surrogate pair. Both can only be written as escapes, and `JSON.stringify` writes them so again. */
function unstorable(text: string, value: unknown): boolean {
  return text.includes('\\u') && /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(JSON.stringify(value));
}
