import type { Tx } from '@ballast/database';
import type { Reply, WireRecord } from '@ballast/message';
import type {
  ClaimedIntent,
  DeadLetter,
  InboxStore,
  IntentStore,
  NewIntent,
  OutboxStore,
  PendingRecord,
  RelayStore,
} from '@ballast/messaging/parts';
import type { Idle } from '../connection.js';
import type { Lookup, MemoryDatabase, Table } from './database.js';

interface InboxRow {
  reply?: Reply;
}

interface OutboxRow {
  id: number;
  lane: number;
  record: WireRecord;
  createdAt: number;
  parked: boolean;
}

interface Lane {
  owner: string;
  epoch: number;
  leaseUntil: number;
}

interface IntentRow extends Omit<NewIntent, 'runAt' | 'holdMs'> {
  state: 'PENDING' | 'RUNNING' | 'DONE';
  attempts: number;
  runAt: number;
  claimedBy: string | undefined;
  claimedUntil: number | undefined;
  createdAt: number;
}

/** The tables of `@ballast/messaging` in memory. */
export class MessagingTables {
  readonly inbox: Table<string, InboxRow>;
  readonly letters: Table<string, DeadLetter & { id: string }>;
  readonly parkedKeys: Table<string, { deadLetterId: string }>;
  readonly outbox: Table<number, OutboxRow>;
  readonly lanes: Table<number, Lane>;
  readonly intents: Table<string, IntentRow>;
  /** Intents that are not done, by kind. */
  readonly unfinished: Lookup<string, IntentRow>;
  /** Sequences do not go back with a transaction. */
  outboxId = 0;
  letterId = 0;

  constructor(readonly database: MemoryDatabase) {
    this.inbox = database.table();
    this.letters = database.table();
    this.parkedKeys = database.table();
    this.outbox = database.table();
    this.lanes = database.table();
    this.intents = database.table();
    this.unfinished = this.intents.indexed(({ kind, state }) => (state === 'DONE' ? undefined : kind));
  }

  get now(): number {
    return this.database.clock();
  }
}

export class MemoryInboxStore implements InboxStore {
  constructor(private readonly tables: MessagingTables) {}

  async claim(tx: Tx, topic: string, messages: readonly { id: string; type: string }[], keys: readonly string[]) {
    this.tables.database.require(tx);
    const fresh = new Set<string>();
    for (const { id } of messages) if (this.tables.inbox.insert(id, {})) fresh.add(id);
    return { fresh, parked: new Set(keys.filter((key) => this.tables.parkedKeys.has(`${topic}\0${key}`))) };
  }

  async replies(tx: Tx, commandIds: readonly string[]): Promise<Map<string, Reply>> {
    this.tables.database.require(tx);
    return new Map(
      commandIds.flatMap((id) => {
        const reply = this.tables.inbox.get(id)?.reply;
        return reply ? [[id, reply] as const] : [];
      }),
    );
  }

  async keepReplies(tx: Tx, replies: ReadonlyMap<string, Reply>): Promise<void> {
    this.tables.database.require(tx);
    for (const [id, reply] of replies) this.tables.inbox.update(id, { reply: JSON.parse(JSON.stringify(reply)) as Reply });
  }

  async bury(tx: Tx, letter: DeadLetter): Promise<string | undefined> {
    this.tables.database.require(tx);
    const key = [letter.topic, letter.partition, letter.offset, letter.messageId].join('\0');
    const id = String(++this.tables.letterId);
    return this.tables.letters.insert(key, { ...letter, id }) ? id : undefined;
  }

  async parkKey(tx: Tx, topic: string, key: string, deadLetterId: string): Promise<void> {
    this.tables.database.require(tx);
    this.tables.parkedKeys.insert(`${topic}\0${key}`, { deadLetterId });
  }
}

export class MemoryOutboxStore implements OutboxStore {
  constructor(private readonly tables: MessagingTables) {}

  async append(tx: Tx, records: readonly WireRecord[]): Promise<void> {
    const { database, outbox, now } = this.tables;
    database.require(tx);
    for (const record of records) {
      const id = ++this.tables.outboxId;
      outbox.put(id, { id, lane: 0, record, createdAt: now, parked: false });
    }
  }
}

/** As in `SqlRelayStore`. */
const PAGE_BYTES = 4_000_000;

export class MemoryRelayStore implements RelayStore {
  readonly idle: Idle<RelayStore> = {
    pending: () => this.tables.outbox.size === 0,
    acquire: (lane, owner) => this.isHeld(lane, owner),
  };

  constructor(private readonly tables: MessagingTables) {}

  async acquire(lane: number, owner: string, leaseMs: number): Promise<string | undefined> {
    if (this.isHeld(lane, owner)) return undefined;
    const { lanes, now } = this.tables;
    const epoch = (lanes.get(lane)?.epoch ?? 0) + 1;
    lanes.put(lane, { owner, epoch, leaseUntil: now + leaseMs });
    return String(epoch);
  }

  async renew(lane: number, epoch: string, leaseMs: number): Promise<boolean> {
    return this.holds(lane, epoch) && this.tables.lanes.update(lane, { leaseUntil: this.tables.now + leaseMs });
  }

  async release(lane: number, epoch: string): Promise<void> {
    if (this.holds(lane, epoch)) this.tables.lanes.update(lane, { leaseUntil: -Infinity });
  }

  async pending(lane: number, limit: number, except: readonly string[] = []): Promise<PendingRecord[]> {
    const blocked = new Set<string>();
    const waiting: OutboxRow[] = [];
    for (const row of this.tables.outbox.values()) {
      if (row.lane !== lane || except.includes(String(row.id))) continue;
      if (row.parked) blocked.add(keyOf(row.record));
      else waiting.push(row);
    }
    waiting.sort((a, b) => a.id - b.id);
    const pending: PendingRecord[] = [];
    let bytes = 0;
    for (const { id, record } of waiting) {
      if (blocked.has(keyOf(record))) continue;
      if (pending.length === limit) break;
      bytes += Buffer.byteLength(record.value);
      if (bytes > PAGE_BYTES && pending.length) break;
      pending.push({ id: String(id), record });
    }
    return pending;
  }

  async remove(lane: number, epoch: string, ids: readonly string[]): Promise<boolean> {
    if (!this.leases(lane, epoch)) return false;
    for (const id of ids) this.tables.outbox.delete(Number(id));
    return true;
  }

  async park(lane: number, epoch: string, id: string): Promise<boolean> {
    return this.leases(lane, epoch) && (this.tables.outbox.update(Number(id), { parked: true }), true);
  }

  async backlog(): Promise<{ pending: number; parked: number; oldestSeconds: number }> {
    let [pending, parked, oldest] = [0, 0, this.tables.now];
    for (const row of this.tables.outbox.values()) {
      if (row.parked) parked++;
      else {
        pending++;
        oldest = Math.min(oldest, row.createdAt);
      }
    }
    return { pending, parked, oldestSeconds: (this.tables.now - oldest) / 1000 };
  }

  /** By somebody else. */
  private isHeld(lane: number, owner: string): boolean {
    const held = this.tables.lanes.get(lane);
    return held !== undefined && held.owner !== owner && held.leaseUntil >= this.tables.now;
  }

  private holds(lane: number, epoch: string): boolean {
    return this.tables.lanes.get(lane)?.epoch === Number(epoch);
  }

  private leases(lane: number, epoch: string): boolean {
    return this.holds(lane, epoch) && this.tables.lanes.get(lane)!.leaseUntil >= this.tables.now;
  }
}

const keyOf = ({ topic, key }: WireRecord): string => `${topic}\0${key}`;

export class MemoryIntentStore implements IntentStore {
  readonly idle: Idle<IntentStore> = { claim: (kind) => !this.tables.unfinished.some(kind, this.isDue) };

  constructor(
    private readonly tables: MessagingTables,
    private readonly owner: string,
  ) {}

  async add(tx: Tx, { runAt, holdMs, ...intent }: NewIntent): Promise<void> {
    const { database, intents, now } = this.tables;
    database.require(tx);
    intents.put(intent.id, {
      ...intent,
      state: holdMs ? 'RUNNING' : 'PENDING',
      attempts: holdMs ? 1 : 0,
      runAt: runAt?.getTime() ?? now,
      claimedBy: holdMs ? this.owner : undefined,
      claimedUntil: holdMs ? now + holdMs : undefined,
      createdAt: now,
    });
  }

  async claim(kind: string, limit: number, holdMs: number): Promise<ClaimedIntent[]> {
    const { intents, now } = this.tables;
    const due = this.tables.unfinished
      .of(kind)
      .filter(this.isDue)
      .sort((a, b) => a.runAt - b.runAt);
    return due.slice(0, limit).map((row) => {
      const attempts = row.attempts + 1;
      intents.put(row.id, { ...row, state: 'RUNNING', attempts, claimedBy: this.owner, claimedUntil: now + holdMs });
      const { id, payload, reply, trace } = row;
      return { id, kind, payload, trace, attempt: attempts, ...(reply && { reply }) };
    });
  }

  async takeBack(kind: string, atWork: readonly string[]): Promise<void> {
    for (const { id, state, claimedBy } of this.tables.unfinished.of(kind))
      if (claimedBy === this.owner && state === 'RUNNING' && !atWork.includes(id))
        this.tables.intents.update(id, { claimedUntil: undefined });
  }

  async settle(tx: Tx, { id, attempt }: ClaimedIntent): Promise<'settled' | 'already' | 'lost'> {
    this.tables.database.require(tx);
    const row = this.tables.intents.get(id);
    if (row?.attempts !== attempt) return 'lost';
    if (row.state === 'DONE') return 'already';
    if (row.state !== 'RUNNING') return 'lost';
    this.tables.intents.update(id, { state: 'DONE', claimedUntil: undefined });
    return 'settled';
  }

  async postpone({ id, attempt }: ClaimedIntent, delayMs: number): Promise<void> {
    const row = this.tables.intents.get(id);
    if (row?.attempts !== attempt || row.state !== 'RUNNING') return;
    this.tables.intents.update(id, { state: 'PENDING', claimedUntil: undefined, runAt: this.tables.now + delayMs });
  }

  async bringForward(kind: string, withinMs: number): Promise<void> {
    const { intents, now, unfinished } = this.tables;
    for (const { id, state, attempts, runAt } of unfinished.of(kind))
      if (state === 'PENDING' && attempts > 0 && runAt > now + withinMs) intents.update(id, { runAt: now + withinMs / 2 });
  }

  async open(): Promise<{ kind: string; count: number; oldestSeconds: number }[]> {
    const kinds = new Map<string, { count: number; oldest: number }>();
    for (const { kind, state, createdAt } of this.tables.intents.values()) {
      if (state === 'DONE') continue;
      const known = kinds.get(kind) ?? { count: 0, oldest: createdAt };
      kinds.set(kind, { count: known.count + 1, oldest: Math.min(known.oldest, createdAt) });
    }
    return [...kinds].map(([kind, { count, oldest }]) => ({ kind, count, oldestSeconds: Math.max(0, (this.tables.now - oldest) / 1000) }));
  }

  private readonly isDue = ({ runAt, claimedUntil }: Readonly<IntentRow>): boolean => {
    const { now } = this.tables;
    return runAt <= now && (claimedUntil === undefined || claimedUntil < now);
  };
}
