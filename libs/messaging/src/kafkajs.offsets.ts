import { clearTimeout, setTimeout } from 'node:timers';

export interface Offset {
  topic: string;
  partition: number;
  /** The next one to be read. */
  offset: string;
  /** Still this member's partition: the group takes an offset from any member, so one that comes late would set another's back. */
  owned(): boolean;
}

/** How long an offset may wait for others, ms. */
const COMMIT_WITHIN = 250;

/**
 * Commits offsets a little later and many at once: kafkajs fetches nothing while a batch waits for its commit, and each is a write in every
 * replica of the broker. What a crash leaves uncommitted comes again, and the inbox knows it.
 */
export class OffsetCommits {
  private readonly waiting = new Map<string, Offset>();
  private timer?: NodeJS.Timeout;
  private sending: Promise<void> = Promise.resolve();

  /** `send` rejects when the group does not take them, and tells whoever has to know. */
  constructor(private readonly send: (offsets: readonly Offset[]) => Promise<void>) {}

  note(next: Offset): void {
    this.waiting.set(`${next.topic}/${next.partition}`, next);
    this.timer ??= setTimeout(() => void this.flush().catch(() => undefined), COMMIT_WITHIN).unref();
  }

  /** Commits what waits, now. Rejects when that fails; it is not tried again. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    delete this.timer;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    // One after the other: an older one must not arrive last.
    this.sending = this.sending
      .catch(() => undefined)
      .then(() => {
        const offsets = waiting.filter(({ owned }) => owned());
        if (offsets.length) return this.send(offsets);
      });
    return this.sending;
  }
}
