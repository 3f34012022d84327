import { readFileSync } from 'node:fs';
import type { Env } from './config.js';

/** A variable is given twice, or by a file that cannot be read. Holds no value. */
export class NotGivenError extends Error {
  constructor(
    readonly variable: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * A variable's text: its own, or that of the file `<variable>_FILE` names, without the line end editors leave. So a secret
 * need not be in an environment, which whoever may look at a process or a container can read.
 */
export function given(env: Env, variable: string): string | undefined {
  const fileVariable = `${variable}_FILE`;
  const file = env[fileVariable];
  if (!file) return env[variable];
  if (env[variable]) throw new NotGivenError(fileVariable, `is given beside ${variable}: one of the two`);
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new NotGivenError(fileVariable, `names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
}
