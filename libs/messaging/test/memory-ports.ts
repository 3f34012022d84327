import type { Tx } from '@ballast/database';
import type { Reply, WireRecord } from '@ballast/message';
import type { Batch, Clock, ReceivedRecord } from '../src/index.js';
import type { DeadLetter, InboxStore } from '../src/inbox.store.js';
import type { UnitOfWork } from '../src/inbox.js';

/** A database in memory that really rolls back, so that inbox logic can be driven without Postgres. */
export class MemoryDatabase implements UnitOfWork, InboxStore {
  state = {
    inbox: new Map<string, Reply | undefined>(),
    letters: [] as DeadLetter[],
    parked: new Set<string>(),
    outbox: [] as WireRecord[],
    effects: [] as string[],
  };
  /** Called before each COMMIT; a throw is what COMMIT answers, and `committed` whether it happened all the same. */
  onCommit: () => { error: Error; committed: boolean } | void = () => undefined;
  available: () => Promise<void> = () => Promise.resolve();
  transactions = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** One after the other, since a rollback takes the whole state back. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const next = this.last.then(() => this.alone(work));
    this.last = next.catch(() => undefined);
    return next;
  }

  private async alone<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    this.transactions++;
    const before = structuredClone(this.state);
    try {
      const result = await work({} as Tx);
      const failure = this.onCommit();
      if (failure) {
        if (!failure.committed) this.state = before;
        throw failure.error;
      }
      return result;
    } catch (error) {
      if (!(error instanceof Error && error.name === 'CommitUnknownError')) this.state = before;
      throw error;
    }
  }
  whenAvailable(): Promise<void> {
    return this.available();
  }
  async claim(_tx: Tx, topic: string, messages: readonly { id: string }[], keys: readonly string[]) {
    const fresh = new Set(messages.map((m) => m.id).filter((id) => !this.state.inbox.has(id)));
    for (const id of fresh) this.state.inbox.set(id, undefined);
    return { fresh, parked: new Set(keys.filter((key) => this.state.parked.has(`${topic}/${key}`))) };
  }
  async replies(_tx: Tx, ids: readonly string[]): Promise<Map<string, Reply>> {
    return new Map(ids.flatMap((id) => (this.state.inbox.get(id) ? [[id, this.state.inbox.get(id)!]] : [])));
  }
  async keepReplies(_tx: Tx, replies: ReadonlyMap<string, Reply>): Promise<void> {
    for (const [id, reply] of replies) this.state.inbox.set(id, reply);
  }
  async bury(_tx: Tx, letter: DeadLetter): Promise<string> {
    return String(this.state.letters.push(letter));
  }
  async parkKey(_tx: Tx, topic: string, key: string): Promise<void> {
    this.state.parked.add(`${topic}/${key}`);
  }
  push(_tx: Tx, record: WireRecord): void {
    this.state.outbox.push(record);
  }
}

/** Time that passes at once. */
export const hurry: Clock = { now: () => new Date(), sleep: () => new Promise((resolve) => setImmediate(resolve)) };

export class MemoryBatch implements Batch {
  readonly topic = 'shop.events';
  readonly partition = 0;
  readonly lag = 0;
  active = true;
  committed?: string;
  readonly records: ReceivedRecord[];
  onCommit: () => void = () => undefined;
  heartbeat: () => Promise<void> = () => Promise.resolve();

  constructor(records: readonly WireRecord[], from = 0) {
    this.records = records.map((record, i) => ({ ...record, offset: String(from + i) }));
  }
  async commit(next: string): Promise<void> {
    this.onCommit();
    this.committed = next;
  }
}
