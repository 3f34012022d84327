import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { turns } from './ambient.js';
import { EventQueue, type Event } from './queue.js';
import { Random } from './random.js';

/** When every run begins: ids carry the time, so it is the same for all. */
export const EPOCH = Date.UTC(2026, 0, 1);

/** One line of what happened. */
export interface Note {
  /** Milliseconds since the run began. */
  at: number;
  /** Where: a process, a client, the broker. */
  who: string;
  what: string;
}

/** Characters of notes that are hashed at once: each call of the hash costs as much as many notes. */
const HASHED = 1 << 16;

/**
 * Virtual time. Nothing happens but events, one at a time; after each, everything that it set going is run to its end (`turns`)
 * before the clock moves on. So a run is a function of its seed.
 */
export class World {
  /** Milliseconds since the run began. */
  now = 0;
  readonly random: Random;
  readonly notes: Note[] = [];
  events = 0;
  private readonly queue = new EventQueue();
  private readonly hash = createHash('sha256');
  private unhashed = '';
  private readonly idBytes = new DataView(new ArrayBuffer(16));
  private readonly idRandom = new Uint8Array(this.idBytes.buffer);
  private ids = 0;

  constructor(
    readonly seed: number,
    /** Whether to keep the notes, for a timeline; their hash is kept in any case. */
    private readonly verbose = false,
  ) {
    this.random = new Random(seed);
  }

  /** `Date.now()` of everybody. */
  get date(): number {
    return EPOCH + Math.floor(this.now);
  }

  /** A UUIDv7 of this moment. */
  newId = (): string => {
    for (let i = 0; i < 16; i += 4) this.idBytes.setUint32(i, Math.floor(this.random.next() * 0x1_0000_0000));
    return uuidv7({ msecs: this.date, seq: this.ids++, random: this.idRandom });
  };

  after(ms: number, fire: () => void): Event {
    return this.queue.add(this.now + Math.max(0, ms), fire);
  }

  /** Resolves so much later, whoever waits. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  note(who: string, what: string): void {
    this.unhashed += `${this.now.toFixed(3)} ${who} ${what}\n`;
    if (this.unhashed.length > HASHED) this.digestNotes();
    if (this.verbose) this.notes.push({ at: this.now, who, what });
  }

  /** Runs until `over` says so, or the time is up, or nothing is left to happen. */
  run(until: number, over: () => boolean): Promise<void> {
    return turns(() => {
      if (this.events > 0 && over()) return false;
      let event = this.queue.take();
      while (event && !event.fire) event = this.queue.take(); // called off
      if (!event) return false;
      this.now = Math.min(event.at, until);
      if (event.at > until) return false;
      this.events++;
      event.fire!();
      return true;
    });
  }

  /** Of everything that happened, in its order: two runs with one digest went the same way. */
  digest(): string {
    this.digestNotes();
    return this.hash.copy().digest('hex');
  }

  private digestNotes(): void {
    this.hash.update(this.unhashed);
    this.unhashed = '';
  }
}
