import { isDeepStrictEqual } from 'node:util';
import type { Tx } from '@ballast/database';
import { check, replyType, type AnyCommand, type CommandDraft, type Reply } from '@ballast/message';
import { Refused } from '@ballast/messaging';
import { advance, callStep, isPromise } from '../advance.js';
import { nameOf, STEP_FAILED, type Ignored, type Input, type Perform } from '../decide.js';
import type { AnySaga } from '../definition.js';
import { isFinished, newRecord, type SagaRecord } from '../record.js';
import type { RetryPolicy } from '../retry.js';
import type { SagaStatus } from '../status.js';
import { NoTransactionError } from './no-tx.js';

interface Sent {
  id: string;
  draft: CommandDraft<AnyCommand>;
}

/** One saga on the real engine, with a clock and a mailbox of its own. */
export class Scenario {
  private record: SagaRecord;
  private now = 0;
  private open?: Sent;
  private readonly timeline: string[] = [];

  constructor(
    private readonly definition: AnySaga,
    state: object,
    private readonly options: { id: string; tx: Tx; retry: RetryPolicy },
  ) {
    this.record = newRecord(definition.name, options.id, state, {});
  }

  start(): Promise<unknown> {
    return this.feed({ kind: 'started' });
  }

  async expectSent(draft: CommandDraft<AnyCommand>): Promise<void> {
    if (!this.open && this.record.awaiting === null && this.record.timerAt !== null) await this.fireTimer();
    if (!this.open) this.fail(`expected ${show(draft)} to be sent, but the saga is ${this.record.status} and waits for nothing`);
    const { definition, payload } = this.open.draft;
    if (definition.type !== draft.definition.type || !isDeepStrictEqual(payload, draft.payload))
      this.fail(`expected to be sent: ${show(draft)}\n            but it was: ${show(this.open.draft)}`);
  }

  async succeed(result: unknown): Promise<void> {
    await this.deliver(this.sent(), this.success(result));
  }

  async fails(code: string): Promise<void> {
    await this.deliver(this.sent(), { outcome: 'failed', code, message: code });
  }

  async timeOut(): Promise<void> {
    this.sent();
    this.open = undefined;
    await this.fireTimer();
  }

  async replyTwice(result: unknown): Promise<void> {
    const [sent, reply] = [this.sent(), this.success(result)];
    await this.deliver(sent, reply);
    const before = this.record;
    const ignored = await this.feed({ kind: 'reply', commandId: sent.id, reply });
    if (!ignored || !isDeepStrictEqual(before, this.record))
      this.fail(`the second reply to ${sent.draft.definition.type} changed the saga`);
  }

  async replyLate(result: unknown): Promise<void> {
    const [sent, reply] = [this.sent(), this.success(result)];
    await this.timeOut();
    if (this.record.awaiting === sent.id) this.open = undefined;
    await this.feed({ kind: 'reply', commandId: sent.id, reply });
  }

  /** Answers every try of the current command in the same way, until the saga is stuck. */
  async repeat(answer: () => Promise<void>): Promise<void> {
    const { draft } = this.sent();
    for (let tries = 0; this.record.status !== 'STUCK'; tries++) {
      await this.expectSent(draft);
      if (tries > this.options.retry.attempts)
        this.fail(`${draft.definition.type} was tried more than ${this.options.retry.attempts} times`);
      await answer();
    }
  }

  async wait(): Promise<void> {
    if (this.open) this.fail(`does not wait for a retry, but for the reply to ${show(this.open.draft)}`);
    await this.fireTimer();
  }

  async waitUntilStuck(): Promise<void> {
    while (this.record.status !== 'STUCK') await this.wait();
  }

  async resume(): Promise<void> {
    if ((await this.feed({ kind: 'resumed' })) === 'not-stuck') this.fail(`cannot be resumed: it is ${this.record.status}, not STUCK`);
  }

  /** What a restart of the service leaves of a saga is what is written down. */
  restart(): void {
    this.record = JSON.parse(JSON.stringify(this.record)) as SagaRecord;
    this.note('restart', '');
  }

  expectStatus(status: SagaStatus): void {
    if (this.record.status === status) return;
    const waits = this.open ? ` and waits for the reply to ${show(this.open.draft)}` : '';
    this.fail(
      `expected the saga to be ${status}, but it is ${this.record.status}${isFinished(this.record) ? '' : ` at "${nameOf(this.definition, this.record)}"`}${waits}`,
    );
  }

  private async deliver(sent: Sent, reply: Reply): Promise<void> {
    this.open = undefined;
    await this.feed({ kind: 'reply', commandId: sent.id, reply });
  }

  private async fireTimer(): Promise<void> {
    if (this.record.timerAt === null) this.fail('no timer is set');
    this.now = Math.max(this.now, this.record.timerAt);
    await this.feed({ kind: 'timer' });
  }

  private async feed(input: Input): Promise<Ignored | undefined> {
    const circumstances = { now: this.now, retry: this.options.retry };
    const result = await advance(this.definition, this.record, input, circumstances, (perform, record) => this.carryOut(perform, record));
    this.record = result.record;
    for (const { step, outcome, code } of result.history) this.note(step, code ? `${outcome} ${code}` : outcome);
    if (result.ignored) this.note('', `ignored: ${result.ignored} reply`);
    return result.ignored;
  }

  private async carryOut(perform: Perform, record: SagaRecord): Promise<'sent' | Reply> {
    try {
      const work = callStep(this.definition, perform, record, this.options.tx);
      if (!isPromise(work)) {
        this.open = { id: perform.commandId, draft: work };
        return 'sent';
      }
      await work;
      return { outcome: 'succeeded', result: {} };
    } catch (error) {
      if (error instanceof NoTransactionError) throw error;
      this.note(perform.name, `threw ${String(error)}`);
      return { outcome: 'failed', code: error instanceof Refused ? error.code : STEP_FAILED, message: String(error) };
    }
  }

  private sent(): Sent {
    if (!this.open) this.fail('no command waits for a reply');
    return this.open;
  }

  private success(result: unknown): Reply {
    const { definition } = this.sent().draft;
    return { outcome: 'succeeded', result: check(replyType(definition), definition.reply, result ?? {}) };
  }

  private note(step: string, what: string): void {
    this.timeline.push(`  ${step.padEnd(24)} ${what}`.trimEnd());
  }

  private fail(problem: string): never {
    throw new Error(`${this.definition.name}: ${problem}\n\nwhat happened:\n${this.timeline.join('\n')}`);
  }
}

const show = ({ definition, payload }: CommandDraft<AnyCommand>) => `${definition.type} ${JSON.stringify(payload)}`;
