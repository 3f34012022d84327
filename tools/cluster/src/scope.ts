interface Owned {
  value: Promise<unknown>;
  stop: (value: never) => unknown;
  abort: () => void;
  starting: boolean;
}

/** Everything a start has begun, so that it can be stopped at any moment: also what is still on its way. */
export class Scope {
  readonly #owned: Owned[] = [];
  #closing: Promise<void> | undefined;

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Starts something that must be stopped when the scope closes; closing aborts what has not started by then. */
  async own<T>(begin: (signal: AbortSignal) => Promise<T>, stop: (value: T) => unknown): Promise<T> {
    this.refuseIfClosed();
    const controller = new AbortController();
    const value = begin(controller.signal);
    const owned: Owned = { value, stop, abort: () => controller.abort(new ClosedError()), starting: true };
    this.#owned.push(owned);
    const result = await value.finally(() => (owned.starting = false));
    this.refuseIfClosed();
    return result;
  }

  refuseIfClosed(): void {
    if (this.closed) throw new ClosedError();
  }

  /** Stops all, the latest first. What is still starting is awaited and then stopped. Errors of one do not keep the others. */
  close(): Promise<void> {
    return (this.#closing ??= (async () => {
      const errors: unknown[] = [];
      for (const { starting, abort } of this.#owned) if (starting) abort();
      for (const { value, stop } of this.#owned.toReversed()) {
        const outcome = await value.then((result) => ({ result })).catch(() => undefined);
        if (!outcome) continue; // what could not start cleans up after itself
        try {
          await stop(outcome.result as never);
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw new AggregateError(errors, 'Not everything could be stopped');
    })());
  }
}

/** The start was called off. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';
  override readonly message = 'stopped before it was up';
}
