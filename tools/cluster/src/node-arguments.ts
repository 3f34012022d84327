import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';

/** A compiled file of an app: `main`, which runs it, or `app`, which says what it is. */
export const appFile = (name: string, file: 'main' | 'app'): string => join(workspaceRoot(), 'apps', name, 'dist', 'src', `${file}.js`);

/** How Node runs services: with tracing and source maps before everything else. */
export function nodeArguments(main: string, inspector: number | undefined): string[] {
  // Its address is announced by HTTP alone: in the log it would stand between an error and its cause.
  const inspect = inspector === undefined ? [] : [`--inspect=127.0.0.1:${inspector}`, '--inspect-publish-uid=http'];
  return [...inspect, '--import', '@ballast/tracing/register', main];
}
