import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { settled } from './ambient.js';
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

/** A process did what no process of ours may, or the simulation itself is wrong: no verdict about the platform. */
export class SimulationError extends Error {}

/**
 * Virtual time. Nothing happens but events, one at a time; after each, everything that it set going is run to its end (`settled`)
 * before the clock moves on. So a run is a function of its seed.
 */
export class World {
  /** Milliseconds since the run began. */
  now = 0;
  readonly random: Random;
  readonly notes: Note[] = [];
  /** Called after each event: a check that holds at every moment. */
  afterEvent: () => void = () => undefined;
  events = 0;
  private readonly queue = new EventQueue();
  private readonly hash = createHash('sha256');
  private readonly idBytes = new Uint8Array(16);
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
    for (let i = 0; i < 16; i += 4) new DataView(this.idBytes.buffer).setUint32(i, Math.floor(this.random.next() * 0x1_0000_0000));
    return uuidv7({ msecs: this.date, seq: this.ids++, random: this.idBytes });
  };

  after(ms: number, fire: () => void): Event {
    return this.queue.add(this.now + Math.max(0, ms), fire);
  }

  /** Resolves so much later, whoever waits. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  note(who: string, what: string): void {
    this.hash.update(`${this.now.toFixed(3)} ${who} ${what}\n`);
    if (this.verbose) this.notes.push({ at: this.now, who, what });
  }

  /** Runs until `over` says so, or the time is up, or nothing is left to happen. */
  async run(until: number, over: () => boolean): Promise<void> {
    for (;;) {
      const event = this.queue.take();
      if (!event) return;
      if (event.at > until) return void (this.now = until);
      if (!event.fire) continue;
      this.now = event.at;
      this.events++;
      event.fire();
      await settled();
      this.afterEvent();
      if (over()) return;
    }
  }

  /** Of everything that happened, in its order: two runs with one digest went the same way. */
  digest(): string {
    return this.hash.copy().digest('hex');
  }
}
