import { randomUUID } from 'node:crypto';
import type { Reply } from '@ballast/message';
import fc from 'fast-check';
import { bookTrip, type Trip } from '../test/trip.js';
import { advance, callStep, isPromise } from './advance.js';
import type { Input, Perform } from './decide.js';
import { isFinished, newRecord, type SagaRecord } from './record.js';
import { noTx } from './testing/no-tx.js';

/** What fate does next: it picks among the messages under way, or lets time pass. */
const actions = [
  'deliver',
  'deliver',
  'answer',
  'answer',
  'duplicate answer',
  'duplicate command',
  'lose command',
  'lose answer',
  'timer',
  'restart',
] as const;
interface Fate {
  actions: { action: (typeof actions)[number]; pick: number }[];
  answers: ('yes' | 'no')[];
}
const fate: fc.Arbitrary<Fate> = fc.record({
  actions: fc.array(fc.record({ action: fc.constantFrom(...actions), pick: fc.nat(9) }), { maxLength: 60 }),
  /** What the participants say to the n-th command they handle. */
  answers: fc.array(fc.constantFrom<'yes' | 'no'>('yes', 'yes', 'yes', 'no'), { minLength: 40, maxLength: 40 }),
});

const STEPS = ['book hotel', 'note trip', 'book flight', 'pay', 'issue tickets', 'close trip'];
const UNDOABLE = STEPS.slice(0, 3);
const PIVOT = 'pay';
const retry = { attempts: 4, initialDelay: 1_000, maxDelay: 8_000 };

interface Message {
  perform: Perform;
  reply?: Reply;
}

/** Participants that behave as their contracts say: idempotent, with an inbox, and a tombstone for an undo that came first. */
class World {
  record: SagaRecord = newRecord<Trip>('book-trip.v1', randomUUID(), { tripId: randomUUID() }, {});
  now = 0;
  commands: Message[] = [];
  answers: Message[] = [];
  readonly done = new Set<string>();
  readonly undone = new Set<string>();
  readonly undoneInOrder: string[] = [];
  readonly mayHaveHappened = new Set<string>();
  rejected = 0;
  private readonly inbox = new Map<string, Reply>();
  private readonly trip = bookTrip({
    note: () => this.local('note trip', 'forward'),
    strike: () => this.local('note trip', 'backward'),
    close: () => this.local('close trip', 'forward'),
    reject: () => Promise.resolve(void this.rejected++),
  });

  constructor(private readonly says: string[]) {}

  async feed(input: Input): Promise<void> {
    // A definite refusal that the saga heard: that step did not happen.
    if (
      input.kind === 'reply' &&
      input.reply.outcome === 'failed' &&
      input.commandId === this.record.awaiting &&
      this.record.direction === 'forward'
    )
      this.mayHaveHappened.delete(STEPS[this.record.step]!);
    const next = await advance(this.trip, this.record, input, { now: this.now, retry }, async (perform, record) => {
      try {
        const work = callStep(this.trip, perform, record, noTx());
        if (!isPromise(work)) return this.send(perform);
        await work;
        return { outcome: 'succeeded', result: {} };
      } catch (error) {
        return { outcome: 'failed', code: 'STEP_FAILED', message: String(error) };
      }
    });
    this.record = next.record;
  }

  private send(perform: Perform): 'sent' {
    if (perform.direction === 'forward') this.mayHaveHappened.add(perform.name);
    this.commands.push({ perform });
    return 'sent';
  }

  private local(step: string, direction: 'forward' | 'backward'): Promise<void> {
    return this.apply(step, direction).outcome === 'succeeded' ? Promise.resolve() : Promise.reject(new Error('no'));
  }

  /** A participant takes a command from its topic. */
  handle({ perform }: Message): void {
    const reply = this.inbox.get(perform.commandId) ?? this.apply(perform.name, perform.direction);
    this.inbox.set(perform.commandId, reply);
    this.answers.push({ perform, reply });
  }

  private apply(step: string, direction: 'forward' | 'backward'): Reply {
    const refused: Reply = { outcome: 'failed', code: 'NO', message: 'no' };
    if (this.says.shift() === 'no') return refused;
    if (direction === 'backward') {
      if (this.done.has(PIVOT)) throw new Error(`${step} was undone after the pivot`);
      this.undone.add(step);
      this.undoneInOrder.push(step);
      this.done.delete(step);
    } else {
      if (this.undone.has(step)) return refused; // its tombstone
      this.done.add(step);
      this.mayHaveHappened.add(step);
    }
    return { outcome: 'succeeded', result: step === 'book hotel' && direction === 'forward' ? { room: '12' } : {} };
  }

  async act(action: (typeof actions)[number], pick: number): Promise<void> {
    const take = (from: Message[]) => from.splice(pick % Math.max(1, from.length), 1)[0];
    const peek = (from: Message[]) => from[pick % Math.max(1, from.length)];
    switch (action) {
      case 'deliver':
        return this.on(take(this.commands), (m) => this.handle(m));
      case 'duplicate command':
        return this.on(peek(this.commands), (m) => this.handle(m));
      case 'answer':
        return this.on(take(this.answers), (m) => this.feed({ kind: 'reply', commandId: m.perform.commandId, reply: m.reply! }));
      case 'duplicate answer':
        return this.on(peek(this.answers), (m) => this.feed({ kind: 'reply', commandId: m.perform.commandId, reply: m.reply! }));
      case 'lose command':
        return void take(this.commands);
      case 'lose answer':
        return void take(this.answers);
      case 'timer':
        this.now = Math.max(this.now, this.record.timerAt ?? 0);
        return this.feed({ kind: 'timer' });
      case 'restart':
        this.record = JSON.parse(JSON.stringify(this.record)) as SagaRecord;
    }
  }

  private async on(message: Message | undefined, then: (message: Message) => unknown): Promise<void> {
    if (message) await then(message);
  }

  /** Faults are over: everything under way arrives, time passes. */
  async settle(): Promise<void> {
    for (let i = 0; i < 400; i++) {
      if (this.commands.length) await this.act('deliver', 0);
      else if (this.answers.length) await this.act('answer', 0);
      else if (this.record.timerAt !== null) await this.act('timer', 0);
      else return;
    }
    throw new Error(`does not come to an end: ${JSON.stringify(this.record)}`);
  }
}

async function live({ actions, answers }: Fate): Promise<World> {
  const world = new World([...answers]);
  await world.feed({ kind: 'started' });
  for (const { action, pick } of actions) await world.act(action, pick);
  await world.settle();
  return world;
}

function expectConsistent({ record, done, undone, undoneInOrder, rejected, mayHaveHappened }: World): void {
  expect(isFinished(record) || record.status === 'STUCK').toBe(true);
  if (record.status === 'COMPLETED') {
    expect([...done].sort()).toEqual([...STEPS].sort());
    expect(undone.size).toBe(0);
    expect(rejected).toBe(0);
  }
  if (record.status === 'COMPENSATED') {
    expect(done.size).toBe(0);
    expect(rejected).toBe(1);
    for (const step of UNDOABLE) expect([step, undone.has(step)]).toEqual([step, mayHaveHappened.has(step)]);
    expect([...new Set(undoneInOrder)]).toEqual(UNDOABLE.filter((step) => undone.has(step)).reverse());
  }
  if (done.has(PIVOT)) {
    expect(['COMPLETED', 'STUCK']).toContain(record.status);
    expect(undone.size).toBe(0);
    for (const step of UNDOABLE) expect(done).toContain(step);
  }
}

jest.setTimeout(60_000);

describe('whatever duplicates, losses, delays, refusals and restarts come', () => {
  it('a saga is COMPLETED with every step done, COMPENSATED with nothing left, or STUCK; nothing is undone once the pivot is done', async () => {
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fate, async (f) => {
        const world = await live(f);
        ends.add(world.record.status);
        expectConsistent(world);
      }),
      { numRuns: 600 },
    );
    expect([...ends].sort()).toEqual(['COMPENSATED', 'COMPLETED', 'STUCK']);
  });

  it('a STUCK saga that is resumed when all is well comes to its end', async () => {
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fate, fc.nat(6), async (f, until) => {
        const world = await live({ ...f, answers: f.answers.map((_, i) => (i < until ? 'yes' : 'no')) });
        for (let i = 0; world.record.status === 'STUCK' && i < 10; i++) {
          await world.feed({ kind: 'resumed' });
          await world.settle();
        }
        ends.add(world.record.status);
        expect(isFinished(world.record)).toBe(true);
        expectConsistent(world);
      }),
      { numRuns: 300 },
    );
    expect([...ends].sort()).toEqual(['COMPENSATED', 'COMPLETED']);
  });
});
