import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { randomSecret } from '@ballast/testing';

/** Secrets by name, each made when it is first asked for and kept in a file only its owner can read. */
export class Secrets {
  readonly #known: Record<string, string>;

  constructor(private readonly file: string) {
    this.#known = existsSync(file) ? readPrivate<Record<string, string>>(file) : {};
  }

  get(name: string): string {
    const known = this.#known[name];
    if (known !== undefined) return known;
    const secret = randomSecret(32);
    this.#known[name] = secret;
    writePrivate(this.file, this.#known);
    return secret;
  }
}

/** Reads a JSON file we wrote. */
export function readPrivate<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

/** Writes JSON with mode 0600, whole or not at all. */
export function writePrivate(file: string, value: unknown): void {
  const partial = `${file}.${process.pid}.partial`;
  writeFileSync(partial, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, file);
}
