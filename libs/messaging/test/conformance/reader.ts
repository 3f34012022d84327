import { randomUUID } from 'node:crypto';
import type { Tx } from '@ballast/database';
import { command, type CommandOf, encode, event, type EventOf, type Reply, type WireRecord } from '@ballast/message';
import { faultProxy, type FaultProxy } from '@ballast/testing';
import { Injectable, type OnModuleInit, type Type } from '@nestjs/common';
import { z } from 'zod';
import { type Batch, Consume, refuse, Refused, Replies, type Transport } from '../../src/index.js';
import { Cleanup, eventually, freshDatabase, sendSurely, serviceName, startService, type TestService } from '../harness.js';
import type { TransportSetup } from './conformance.js';

export interface Letter {
  key: string;
  reason: string;
  error: string;
  payload: string;
  attempts: number;
  trace_id: string | null;
}

interface Handlers {
  readonly tries: Map<string, number>;
  readonly replies: { commandId: string; sagaId: string; reply: Reply }[];
}

const newId = (): string => randomUUID();

/** A service with a handler for an event and one for a command, both of which do what the message says, behind a database that can be cut off. */
export class ReaderUnderTest {
  private readonly name = serviceName('reader');
  readonly happened = event(`${serviceName()}.happened.v1`, {
    key: (p) => p.key,
    payload: z.object({ key: z.string(), name: z.string() }),
  });
  readonly work = command(`${this.name}.work.v1`, {
    payload: z.object({ name: z.string() }),
    reply: z.object({ done: z.string() }),
    failures: ['NO_THANKS'],
  });
  private readonly cleanup = new Cleanup();
  private readonly ending = new AbortController();
  service!: TestService;
  handlers!: Handlers;
  proxy!: FaultProxy;
  private transport!: Transport;
  /** What the service's own transport does before it hands a batch over. */
  tamper: (batch: Batch) => Batch = (batch) => batch;

  constructor(private readonly setup: TransportSetup) {}

  async start(): Promise<void> {
    const { config, drop } = await freshDatabase();
    this.cleanup.add(drop);
    this.proxy = await faultProxy(config.hosts[0]!);
    this.cleanup.add(() => this.proxy.close());
    const Handlers = handlersOf(this.happened, this.work);
    this.service = await startService({
      name: this.name,
      definitions: [this.happened, this.work],
      consumes: [this.happened],
      providers: [Handlers],
      config: { ...config, hosts: [this.proxy] },
      transport: this.tampering(this.setup.open('reader')),
    });
    this.cleanup.add(() => this.service.stop());
    this.handlers = this.service.app.get<Handlers>(Handlers);
    this.transport = this.setup.open('sender');
    this.cleanup.add(() => this.transport.close());
    await this.transport.connect([this.happened.topic, this.work.topic, `${this.name}.replies`]);
  }

  end(): Promise<void> {
    this.ending.abort();
    return this.cleanup.run();
  }

  reset(): void {
    this.tamper = (batch) => batch;
  }

  send(records: WireRecord[]): Promise<void> {
    return sendSurely(this.transport, records, this.ending.signal);
  }

  eventOf(key: string, effect: string, id?: string): WireRecord {
    return encode(this.happened.topic, this.envelope(this.happened.type, key, { key, name: effect }, id));
  }

  commandOf(effect: string, id = newId(), payload: unknown = { name: effect }): WireRecord {
    const sagaId = `saga-of-${id}`;
    return encode(this.work.topic, {
      ...this.envelope(this.work.type, sagaId, payload, id),
      replyTo: `${this.name}.replies`,
      sagaId,
    });
  }

  envelope(type: string, key: string, payload: unknown, id = newId()) {
    return { id, source: '/test', type, key, time: new Date(), payload, trace: {} };
  }

  effects(): Promise<string[]> {
    return this.service.effects();
  }

  async seen(effect: string): Promise<void> {
    await eventually(async () => expect(await this.effects()).toContain(effect));
  }

  letters(): Promise<Letter[]> {
    return this.service.rows<Letter>('SELECT key, reason, error, payload, attempts, trace_id FROM dead_letter ORDER BY id');
  }

  repliesTo(id: string): Reply[] {
    return this.handlers.replies.filter((r) => r.commandId === id).map((r) => r.reply);
  }

  /** Two keys on one partition of twelve, found by what the broker itself does. */
  async samePartition(): Promise<[string, string]> {
    const partitions = new Map<string, number>();
    this.tamper = (batch) => {
      for (const record of batch.records) partitions.set(record.key, batch.partition);
      return batch;
    };
    const keys = Array.from({ length: 13 }, newId);
    await this.send(keys.map((key) => this.eventOf(key, `probe ${key}`)));
    await eventually(() => expect(keys.every((key) => partitions.has(key))).toBe(true));
    const pairs = keys.flatMap((a) => keys.filter((b) => a !== b && partitions.get(a) === partitions.get(b)).map((b) => [a, b] as const));
    const [one, other] = pairs[0]!;
    return [one, other];
  }

  private tampering(inner: Transport): Transport {
    return {
      connect: (topics) => inner.connect(topics),
      send: (records) => inner.send(records),
      subscribe: (o) => inner.subscribe({ ...o, onBatch: (batch) => o.onBatch(this.tamper(batch)) }),
      whenConnected: (signal) => inner.whenConnected(signal),
      close: () => inner.close(),
      get connected() {
        return inner.connected;
      },
      get consuming() {
        return inner.consuming;
      },
      get writable() {
        return inner.writable;
      },
    };
  }
}

function handlersOf(happened: ReaderUnderTest['happened'], work: ReaderUnderTest['work']): Type<Handlers> {
  const write = (tx: Tx, effect: string) => tx.query('INSERT INTO effect (name) VALUES ($1)', [effect]);

  @Injectable()
  class HandlersUnderTest implements OnModuleInit, Handlers {
    readonly tries = new Map<string, number>();
    readonly replies: Handlers['replies'] = [];
    constructor(private readonly inbox: Replies) {}

    onModuleInit(): void {
      this.inbox.handle(async ({ commandId, sagaId, reply }) => void this.replies.push({ commandId, sagaId, reply }));
    }

    @Consume(happened)
    async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
      this.tries.set(payload.name, (this.tries.get(payload.name) ?? 0) + 1);
      await write(tx, payload.name);
      if (payload.name.startsWith('poison')) throw new Error('cannot handle someone@example.com');
      if (payload.name.startsWith('swallowed')) await tx.query('SELECT 1/0').catch(() => undefined);
    }

    @Consume(work)
    async work({ payload }: CommandOf<typeof work>, tx: Tx) {
      await write(tx, payload.name);
      if (payload.name === 'break') throw new Error('broken');
      if (payload.name === 'refuse') return refuse('NO_THANKS', 'the effect stays');
      if (payload.name === 'throw') throw new Refused('NO_THANKS', 'the effect goes');
      return { done: payload.name };
    }
  }
  // The method's parameter types are erased; Nest reads the constructor's.
  Reflect.defineMetadata('design:paramtypes', [Replies], HandlersUnderTest);
  return HandlersUnderTest;
}
