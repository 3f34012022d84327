import { setMaxListeners } from 'node:events';

/** Why a wait ended that was only to be ended. Without a reason each abort makes a DOMException, stack and all: measurable, many times a second. */
export const ENDED = new Error('ended');

/**
 * A signal that aborts with any of the given ones, until it is disposed of. `AbortSignal.any` would stay registered with a signal that
 * lives as long as the process, once for each turn of a loop.
 */
export function linked(...sources: (AbortSignal | undefined)[]): { signal: AbortSignal; abort(reason?: unknown): void; dispose(): void } {
  const controller = new AbortController();
  const follow = (event: Event) => controller.abort((event.target as AbortSignal).reason);
  for (const source of sources) {
    if (source?.aborted) controller.abort(source.reason);
    source?.addEventListener('abort', follow);
  }
  return {
    signal: controller.signal,
    abort: (reason = ENDED) => controller.abort(reason),
    dispose: () => sources.forEach((source) => source?.removeEventListener('abort', follow)),
  };
}

/** For a signal that many wait for at once: Node takes more than ten for a leak. A simulator brings signals of its own. */
export function controllerOfMany(): AbortController {
  const controller = new AbortController();
  if (controller.signal instanceof EventTarget) setMaxListeners(0, controller.signal);
  return controller;
}
