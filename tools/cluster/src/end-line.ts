import { relative } from 'node:path';
import type { Exit } from '@ballast/testing';

/** One line for a person: what ended, how, what became of it, and where to look. */
export function endLine(name: string, { code, signal }: Exit, where: string, then?: string): string {
  return `${name} ended (${signal ?? `exit ${code}`})${then ? `, ${then}` : ''}; ${shownPath(where)}`;
}

/** A path as a person here would type it. */
export function shownPath(path: string): string {
  const short = relative('', path);
  return short.startsWith('..') ? path : short;
}
