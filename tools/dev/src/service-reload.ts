import { messageOf } from '@ballast/cluster';

/** A process as far as reloading goes. */
export interface Replaceable {
  readonly name: string;
  /** The services in it: one, or without Kafka all. */
  readonly services: readonly string[];
  replace(options: { grace: number; signal: AbortSignal }): Promise<{ away: readonly string[] }>;
}

export interface Outcome {
  name: string;
  /** The files that made it necessary. */
  files: readonly string[];
  /** From the first change that was seen until it answers, or failed. */
  seconds: number;
  /** What it answers without. */
  away?: readonly string[];
  /** Why it does not run. */
  failure?: string;
}

interface Wanted {
  fingerprint: string;
  files: readonly string[];
  since: number;
}

/** A process at a breakpoint does not stop by itself. */
const grace = 3_000;

/**
 * Brings one service to what is wanted, however often that changes meanwhile: a newer wish ends the wait for an older one, and the
 * last one is what it serves. One that failed stays down until the next wish.
 */
export class ServiceReload {
  #served: string | undefined;
  #wanted: Wanted | undefined;
  #running: Promise<void> | undefined;
  #wait = new AbortController();
  #stopped = false;
  #failed = false;

  /**
   * @param fingerprint of what is on disk now
   * @param inTurn so that many services that start do not keep each other from it
   */
  constructor(
    private readonly service: Replaceable,
    private readonly fingerprint: () => string,
    private readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>,
    private readonly tell: (outcome: Outcome) => void,
  ) {
    this.#served = fingerprint();
  }

  /**
   * Wants what is on disk. One that failed is tried again with any change to its files, whatever the compiler made of it.
   *
   * @returns whether there is something to do
   */
  want(files: readonly string[], since: number): boolean {
    const fingerprint = this.fingerprint();
    const pending = this.#wanted;
    const again = this.#failed && !pending && files.length > 0;
    if (fingerprint === (pending?.fingerprint ?? this.#served) && !again) return false;
    this.#wanted = { fingerprint, files: [...new Set([...(pending?.files ?? []), ...files])], since: pending?.since ?? since };
    this.#wait.abort();
    this.#running ??= Promise.resolve().then(() => this.#run());
    return true;
  }

  /** Resolves when it serves what was wanted last, or failed to. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Wants nothing any more; what is being replaced is left as it is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wait.abort();
    await this.settled();
  }

  async #run(): Promise<void> {
    while (this.#wanted && !this.#stopped) await this.inTurn(() => this.#attempt());
    this.#running = undefined; // in the same turn as the last look at what is wanted: no wish falls in between
  }

  async #attempt(): Promise<void> {
    const wanted = this.#wanted;
    if (!wanted || this.#stopped) return;
    this.#wait = new AbortController();
    const { files, since } = wanted;
    const result = await this.service.replace({ grace, signal: this.#wait.signal }).catch((error: unknown) => ({ error }));
    if (this.#wanted !== wanted || this.#stopped) return; // there is something newer
    this.#wanted = undefined;
    // What was compiled while it loaded may be in it by half: whatever comes next, it is not that.
    this.#served = this.fingerprint() === wanted.fingerprint ? wanted.fingerprint : undefined;
    this.#failed = 'error' in result;
    const told = { name: this.service.name, files, seconds: (performance.now() - since) / 1000 };
    this.tell('error' in result ? { ...told, failure: messageOf(result.error) } : { ...told, away: result.away });
  }
}
