import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

/**
 * Module hooks that let Node import this workspace's TypeScript sources as they are. Jest transforms what tests import,
 * but its global set-up runs outside of that.
 */
const { sourceMaps, jsc, module } = JSON.parse(readFileSync(new URL('../../../../.swcrc', import.meta.url), 'utf8'));

export async function resolve(specifier, context, next) {
  const conditions = ['source', ...context.conditions];
  try {
    return await next(specifier, { ...context, conditions });
  } catch (error) {
    if (!/^\.{1,2}\/.*\.js$/.test(specifier)) throw error;
    return next(specifier.replace(/\.js$/, '.ts'), { ...context, conditions });
  }
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const options = { filename, swcrc: false, sourceMaps: sourceMaps && 'inline', jsc, module };
  const { code } = await transform(readFileSync(filename, 'utf8'), options);
  return { format: 'module', source: code, shortCircuit: true };
}
