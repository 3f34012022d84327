import type { Tx } from '@ballast/database';
import type { Reply } from '@ballast/message';
import { inSpan, SpanKind, type SpanSettings, withContext } from '@ballast/tracing';
import { Deferred, type Refused } from './answer.js';
import type { DeadLetters } from './dead-letters.js';
import type { InboxStore } from './inbox.store.js';
import type { DeadLetterReason, Incoming, ValidMessage } from './incoming.js';
import type { Intents } from './intents.js';
import { replyAddressOf } from './reply-address.js';
import type { ReplyWriter } from './reply-writer.js';

export interface EffectsSettings {
  /** The consumer group. */
  group: string;
  store: InboxStore;
  deadLetters: DeadLetters;
  replies: ReplyWriter;
  intents: Pick<Intents, 'write'>;
  /** Notes what is being handled, so that what it publishes names its cause. */
  setCause(tx: Tx, messageId: string): void;
}

/** A dead letter is told by its reason. */
export type Outcome = 'handled' | 'duplicate' | 'refused' | DeadLetterReason;

type Claimed = Awaited<ReturnType<InboxStore['claim']>>;

/** What messages do inside a transaction that somebody else begins and ends: claim, handler, answer; or refusal, or burial. */
export class Effects {
  constructor(private readonly s: EffectsSettings) {}

  /** Notes the messages as received. What fails up to here is not the fault of a handler. */
  claim(tx: Tx, items: readonly Incoming[]): Promise<Claimed> {
    const named = items.flatMap(({ envelope }) => (envelope ? [{ id: envelope.id, type: envelope.type }] : []));
    const keys = items.flatMap(({ envelope, route }) => (envelope && route?.kind === 'event' ? [envelope.key] : []));
    return this.s.store.claim(tx, items[0]!.record.topic, named, [...new Set(keys)]);
  }

  /** Handles what was claimed, in order. */
  async apply(tx: Tx, items: readonly Incoming[], { fresh, parked }: Claimed, partition: number): Promise<Outcome[]> {
    const answers = new Map<string, Reply>();
    const again: ValidMessage[] = [];
    const outcomes: Outcome[] = [];
    for (const item of items) {
      if (item.envelope && !fresh.delete(item.envelope.id)) {
        if (item.kind === 'message' && item.route.kind === 'command') again.push(item);
        outcomes.push('duplicate');
      } else if (item.kind === 'invalid') {
        const burial = { partition, reason: item.reason, error: item.error, attempts: 0 };
        if (await this.s.deadLetters.bury(tx, item, burial)) parked.add(item.envelope!.key);
        outcomes.push(item.reason);
      } else if (item.route.kind === 'event' && parked.has(item.envelope.key)) {
        const error = new Error('an earlier event of this key is in the dead letters');
        await this.s.deadLetters.bury(tx, item, { partition, reason: 'KEY_PARKED', error, attempts: 0 });
        outcomes.push('KEY_PARKED');
      } else {
        outcomes.push(await this.run(tx, item, partition, answers));
      }
    }
    if (again.length) await this.answerAgain(tx, again, answers);
    if (answers.size) await this.s.store.keepReplies(tx, answers);
    return outcomes;
  }

  /** Handles a dead letter, which the inbox has noted: in the trace of whoever asks for it, with a link to the message's own. */
  replay(tx: Tx, item: ValidMessage, partition: number): Promise<Outcome> {
    return this.run(tx, item, partition, new Map(), { links: [item.envelope.trace] });
  }

  private run(
    tx: Tx,
    { envelope, record, route }: ValidMessage,
    partition: number,
    answers: Map<string, Reply>,
    origin: Pick<SpanSettings, 'parent' | 'links'> = { parent: envelope.trace },
  ): Promise<Outcome> {
    const attributes = {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': record.topic,
      'messaging.destination.partition.id': String(partition),
      'messaging.kafka.offset': Number(record.offset),
      'messaging.kafka.message.key': record.key,
      'messaging.message.id': envelope.id,
      'messaging.consumer.group.name': this.s.group,
      'ballast.message.type': envelope.type,
    };
    return inSpan(`process ${record.topic}`, { kind: SpanKind.CONSUMER, ...origin, attributes }, async () => {
      this.s.setCause(tx, envelope.id);
      const answer = await route.handle(envelope, tx);
      if (!answer) return 'handled';
      const address = replyAddressOf(envelope);
      if (answer instanceof Deferred) {
        await this.s.intents.write(tx, answer.draft, address ? { reply: address } : {});
        return 'handled';
      }
      answers.set(envelope.id, answer);
      if (address) this.s.replies.send(tx, address, answer);
      return answer.outcome === 'failed' ? 'refused' : 'handled';
    });
  }

  /** The asker may have lost the answer, so it is given again; a command that is still at work answers when it is done. */
  private async answerAgain(tx: Tx, commands: readonly ValidMessage[], answers: ReadonlyMap<string, Reply>): Promise<void> {
    const ids = commands.map(({ envelope }) => envelope.id);
    const kept = await this.s.store.replies(tx, ids);
    for (const { envelope } of commands) {
      const reply = answers.get(envelope.id) ?? kept.get(envelope.id);
      const address = replyAddressOf(envelope);
      if (reply && address) withContext(envelope.trace, () => this.s.replies.send(tx, address, reply));
    }
  }

  /** Answers a command whose handler threw `Refused`, in a transaction without what the handler wrote. */
  async refuse(tx: Tx, item: ValidMessage, { code, message }: Refused): Promise<Outcome> {
    const { fresh } = await this.claim(tx, [item]);
    if (!fresh.size) return 'duplicate';
    const reply: Reply = { outcome: 'failed', code, message };
    const address = replyAddressOf(item.envelope);
    if (address) withContext(item.envelope.trace, () => this.s.replies.send(tx, address, reply));
    await this.s.store.keepReplies(tx, new Map([[item.envelope.id, reply]]));
    return 'refused';
  }

  /** Sets a message aside whose handler fails for good. */
  async bury(tx: Tx, item: Incoming, partition: number, error: Error, attempts: number): Promise<Outcome> {
    const { fresh } = await this.claim(tx, [item]);
    if (item.envelope && !fresh.size) return 'duplicate';
    await withContext(item.envelope?.trace ?? {}, () =>
      this.s.deadLetters.bury(tx, item, { partition, reason: 'HANDLER_FAILED', error, attempts }),
    );
    return 'HANDLER_FAILED';
  }
}
