import { randomUUID } from 'node:crypto';
import { authorisePayment, capturePayment, voidPayment } from '@ballast/contracts';
import { type AnyCommand, type CommandDraft, decode, encode, type Reply } from '@ballast/message';
import { kafkaTransport, type Subscription, type Transport } from '@ballast/messaging';
import { testService, type TestService } from '@ballast/service/testing';
import { type Child, eventually, testBrokers, testDatabase, uniqueName } from '@ballast/testing';
import { createLogger } from '@ballast/tracing';
import service from '../service.js';
import { database } from '../src/payment.database.js';
import { PaymentModule } from '../src/payment.module.js';
import { isolated } from './isolated-transport.js';
import { databaseEnv, PspProcess, runFile, type TestStore } from './processes.js';

const REPLIES = 'checkout.replies';
export const EUR = (amount: number) => ({ amount, currency: 'EUR' });
export const succeeded = (result: object = {}) => ({ outcome: 'succeeded', result });
export const failed = (code: string) => expect.objectContaining({ outcome: 'failed', code });

/** payment on a real Kafka and Postgres, psp as a process, and a stand-in for the saga that sends commands and collects answers. */
export class Harness {
  readonly prefix = uniqueName('payment');
  readonly replies: { commandId: string; reply: Reply }[] = [];
  payment: TestService;
  private subscription: Subscription;

  private constructor(
    readonly psp: PspProcess,
    readonly store: TestStore,
    private readonly transport: Transport,
    /** Where payment finds psp: a proxy, for tests that cut it off. */
    private readonly pspUrl: string,
  ) {}

  static async start({
    pspUrl,
    withPayment = true,
  }: { pspUrl?: (psp: PspProcess) => Promise<string>; withPayment?: boolean } = {}): Promise<Harness> {
    createLogger({ service: 'payment', level: (process.env['BALLAST_TEST_LEVEL'] ?? 'silent') as 'silent' });
    const [psp, store] = await Promise.all([PspProcess.start(), testDatabase('payment')]);
    const kafka = kafkaTransport({ brokers: testBrokers(), clientId: 'checkout' });
    const harness = new Harness(psp, store, kafka, (await pspUrl?.(psp)) ?? psp.url);
    await harness.join();
    if (withPayment) await harness.startPayment();
    return harness;
  }

  private get topics(): Transport {
    return isolated(this.transport, this.prefix);
  }

  private async join(): Promise<void> {
    await this.topics.connect([REPLIES, 'payment.commands']);
    this.subscription = await this.topics.subscribe({
      group: 'checkout',
      topics: [REPLIES],
      onBatch: async (batch) => {
        for (const record of batch.records) {
          const { causationId, payload } = decode(record);
          this.replies.push({ commandId: causationId!, reply: payload as Reply });
        }
        await batch.commit(String(BigInt(batch.records.at(-1)!.offset) + 1n));
      },
    });
  }

  async startPayment(): Promise<void> {
    this.payment = await testService(PaymentModule, service, {
      database: this.store.config,
      brokers: testBrokers(),
      transport: isolated(kafkaTransport({ brokers: testBrokers(), clientId: 'payment' }), this.prefix),
      ...database,
      config: { pspUrl: this.pspUrl, pspApiKey: this.psp.apiKey },
    });
  }

  /** payment as a process of its own, that can be killed. */
  startPaymentProcess(): Promise<Child> {
    return runFile('payment', 'apps/payment/test/payment.process.ts', {
      ...databaseEnv(this.store),
      PORT: '0',
      INSTANCE_ID: 'payment-0',
      KAFKA_BROKERS: testBrokers().join(','),
      TOPIC_PREFIX: this.prefix,
      PSP_URL: this.pspUrl,
      PSP_API_KEY: this.psp.apiKey,
    });
  }

  async stop(): Promise<void> {
    await this.payment?.close();
    await this.subscription.stop();
    await this.transport.close();
    await this.psp.stop();
    await this.store.drop();
  }

  /** Sends a command as a saga would, and gives its id. */
  async send(draft: CommandDraft<AnyCommand>, sagaId: string, id: string = randomUUID()): Promise<string> {
    const { definition, payload } = draft;
    const envelope = {
      id,
      source: '/ballast/checkout',
      type: definition.type,
      key: sagaId,
      time: new Date(),
      payload,
      replyTo: REPLIES,
      sagaId,
      trace: {},
    };
    await this.topics.send([encode(definition.topic, envelope)]);
    return id;
  }

  repliesTo(commandId: string): Reply[] {
    return this.replies.filter((r) => r.commandId === commandId).map((r) => r.reply);
  }

  reply(commandId: string): Promise<Reply> {
    return eventually(
      () => {
        const [reply] = this.repliesTo(commandId);
        if (!reply) throw new Error('no answer yet');
        return reply;
      },
      { timeout: 40_000 },
    );
  }

  /** An order to pay for. */
  order(token: string, amount = 1_500): Order {
    return new Order(this, token, amount);
  }
}

/** One order's way through payment. */
export class Order {
  readonly id = randomUUID();
  readonly accountId = randomUUID();

  constructor(
    private readonly harness: Harness,
    private readonly token: string,
    private readonly amount: number,
  ) {}

  sendAuthorise = (id?: string) =>
    this.harness.send(
      authorisePayment({ orderId: this.id, accountId: this.accountId, amount: EUR(this.amount), token: this.token }),
      this.id,
      id,
    );
  sendVoid = (id?: string) => this.harness.send(voidPayment({ orderId: this.id }), this.id, id);
  sendCapture = (id?: string) => this.harness.send(capturePayment({ orderId: this.id }), this.id, id);

  authorise = async () => this.harness.reply(await this.sendAuthorise());
  void = async () => this.harness.reply(await this.sendVoid());
  capture = async () => this.harness.reply(await this.sendCapture());

  /** Authorised and captured; gives the payment's id. */
  async paid(): Promise<string> {
    expect(await this.authorise()).toMatchObject({ outcome: 'succeeded' });
    expect(await this.capture()).toEqual(succeeded());
    return (await this.payment()).paymentId;
  }

  /** What its buyer sees. */
  async payment(): Promise<{ paymentId: string; status: string; captured: { amount: number }; refunded: { amount: number } }> {
    const token = await this.harness.payment.token(this.accountId);
    const { status, body } = await this.harness.payment.request(`/payments?orderId=${this.id}`, { token });
    expect(status).toBe(200);
    return body.items[0];
  }

  books = () => this.harness.psp.kinds(this.id);
}
