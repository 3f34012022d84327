import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { workspaceRoot } from '@ballast/testing';

/** A version of an app: its code of now with these folders of `e2e/upgrade` laid over it, one after the other. */
export interface Version {
  app: string;
  layers: readonly string[];
}

export const versions = {
  'order-next': { app: 'order', layers: ['order-next'] },
  'order-last': { app: 'order', layers: ['order-next', 'order-last'] },
  'cart-next': { app: 'cart', layers: ['cart-next'] },
} satisfies Record<string, Version>;

/** Compiles a version, with all its types, into a folder that git ignores. Gives the file that runs it; throws what the compiler says. */
export function buildVersion(name: keyof typeof versions): string {
  const root = workspaceRoot();
  const { app, layers } = versions[name];
  const source = join(root, 'apps', app);
  const target = join(root, '.ballast', 'upgrade', name);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const isCode = (path: string) => !path.endsWith('.spec.ts');
  for (const part of ['src', 'service.ts']) cpSync(join(source, part), join(target, part), { recursive: true, filter: isCode });
  for (const layer of layers) cpSync(join(root, 'e2e', 'upgrade', layer), target, { recursive: true });

  const { references, ...own } = JSON.parse(readFileSync(join(source, 'tsconfig.lib.json'), 'utf8')) as Config;
  const moved = references.map(({ path }) => ({ path: relative(target, join(source, path)) }));
  const config = { ...own, extends: relative(target, join(root, 'tsconfig.base.json')), references: moved };
  writeFileSync(join(target, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', 'typescript-native', 'bin', 'tsc');
  try {
    execFileSync(process.execPath, [tsc, '-b', target], { cwd: root, encoding: 'utf8' });
  } catch (error) {
    throw new Error(`${name} does not compile:\n${(error as { stdout: string }).stdout}`);
  }
  return join(target, 'dist', 'src', 'main.js');
}

interface Config {
  references: { path: string }[];
}
