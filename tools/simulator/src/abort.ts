type Listener = ((event: { type: 'abort'; target: LightAbortSignal }) => unknown) | undefined;

/**
 * `AbortController` and `AbortSignal` as far as the services use them. Node's own are event targets, made for the web: several microseconds
 * each, a `DOMException` included, of which one in ten went into them here. `abort.spec.ts` holds the two to the same behaviour.
 */
export class LightAbortSignal {
  aborted = false;
  /** Most never have more than one. */
  private listeners: Listener[] = [];
  private given: unknown;

  static abort(reason?: unknown): LightAbortSignal {
    const signal = new LightAbortSignal();
    signal.end(reason);
    return signal;
  }

  /** Made when somebody asks: hardly anybody does. */
  get reason(): unknown {
    if (this.aborted) this.given ??= new DOMException('This operation was aborted', 'AbortError');
    return this.given;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  /** All of them are for one event, so `once` goes without saying. */
  addEventListener(type: 'abort', listener: Listener): void {
    if (type !== 'abort') throw new TypeError(`no event "${String(type)}" here`);
    if (!this.aborted && !this.listeners.includes(listener)) this.listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    const place = this.listeners.indexOf(listener);
    // Marked and not taken out while they are being called; then the list is gone anyway.
    if (place >= 0 && this.aborted) this.listeners[place] = undefined;
    else if (place >= 0) this.listeners.splice(place, 1);
  }

  /** For its controller. */
  end(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.given = reason;
    const { listeners } = this;
    const event = { type: 'abort', target: this } as const;
    for (const listener of listeners) listener?.(event);
    this.listeners = [];
  }
}

export class LightAbortController {
  readonly signal = new LightAbortSignal();

  abort(reason?: unknown): void {
    this.signal.end(reason);
  }
}
