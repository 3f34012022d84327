import {
  BrokerUnavailableError,
  PartlySentError,
  type Batch,
  type SubscribeOptions,
  type Subscription,
  type Transport,
} from '@ballast/messaging';
import type { WireRecord } from '@ballast/message';
import { SESSION, type Broker, type Group, type Member, type Partition } from './broker.js';
import type { Instance } from './instance.js';
import type { Process } from './process.js';
import type { Weather } from './weather.js';

/** Milliseconds, one way. */
const WAY = 1;
const FETCHED = 64;
/** How long a client tries before it gives a send up. */
const SEND_LIMIT = 1_500;

/** A process's way to the broker. */
export class SimulatedTransport implements Transport {
  private member?: Consumer;

  constructor(
    private readonly process: Process,
    private readonly instance: Instance,
    private readonly broker: Broker,
    private readonly weather: Weather,
  ) {}

  get connected(): boolean {
    return this.broker.up && !this.weather.lasts('cut-broker', this.instance.name);
  }

  get consuming(): boolean {
    return this.connected && this.member !== undefined && this.member.generation !== undefined;
  }

  get writable(): boolean {
    return this.connected;
  }

  async connect(): Promise<void> {}
  async close(): Promise<void> {}

  /** Noticed within a tenth of a second, as by a client that tries so often. */
  async whenConnected(signal?: AbortSignal): Promise<void> {
    while (!this.connected && !signal?.aborted) {
      await this.weather.change(signal);
      await this.process.clock.sleep(this.process.world.random.int(1, 100), signal);
    }
  }

  /** What has been sent is taken even when the sender is paused or gone meanwhile. */
  async send(records: WireRecord[]): Promise<void> {
    const { world } = this.process;
    await world.pass(this.way());
    if (!this.connected) {
      await this.process.arrive(SEND_LIMIT);
      throw new BrokerUnavailableError('no broker answers');
    }
    const failed = new Set<Partition>();
    const unanswered = this.weather.strikes('sends-unanswered');
    // Some partitions' leaders take the records and others do not.
    if (unanswered && world.random.chance(0.5))
      for (const record of records) if (world.random.chance(0.5)) failed.add(this.broker.partitionOf(record));
    const sent: number[] = [];
    records.forEach((record, place) => {
      const partition = this.broker.partitionOf(record);
      if (failed.has(partition)) return;
      sent.push(place);
      world.note(this.process.name, `sends ${record.headers['ce_type']} of ${record.key} as ${record.headers['ce_id']}`);
      partition.append(record);
    });
    await this.process.arrive(unanswered ? SEND_LIMIT : this.way());
    if (!unanswered && this.connected) return;
    if (failed.size && sent.length && sent.length < records.length) throw new PartlySentError('some leaders did not answer', sent);
    throw new BrokerUnavailableError('the broker did not answer in time');
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { process, broker } = this;
    const member = new Consumer(process, broker, broker.group(options.group, options.topics), options, this, this.weather);
    this.member = member;
    await process.arrive(this.way());
    member.beat();
    broker.watch(member);
    return { stop: async () => member.stop() };
  }

  private way(): number {
    return this.process.world.random.latency(WAY) * (this.weather.lasts('slow-network') ? 50 : 1);
  }
}

/** A member of a group: reads its partitions, each by itself, and starts again behind what it has committed. */
class Consumer implements Member {
  /** Undefined while it is not, or no longer, sure of its partitions. */
  generation: number | undefined;
  private unheardSince: number | undefined;
  /** Beats for which it has been unsure. */
  private unsure = 0;
  private stopped = false;

  constructor(
    private readonly process: Process,
    private readonly broker: Broker,
    private readonly group: Group,
    private readonly options: SubscribeOptions,
    private readonly transport: SimulatedTransport,
    private readonly weather: Weather,
  ) {}

  get name(): string {
    return this.process.name;
  }

  reachable(): boolean {
    return this.process.alive && !this.process.paused && this.transport.connected;
  }

  stop(): void {
    this.stopped = true;
    this.group.leave(this);
  }

  revoked(): void {
    this.generation = undefined;
  }

  assigned(generation: number, partitions: readonly Partition[]): void {
    if (!this.reachable()) return;
    this.generation = generation;
    for (const partition of partitions) void this.read(partition, generation);
  }

  beat(): boolean {
    if (this.stopped) return false;
    if (this.process.alive && !this.process.paused) this.stayIn();
    return this.isWaitedFor();
  }

  /** Joins, and joins again whenever it finds that the group goes on without it. */
  private stayIn(): void {
    // It may have been paused, or cut off, while the group was shared out anew: the answer to its heartbeat tells.
    if (this.reachable() && this.generation !== this.group.generation) this.generation = undefined;
    this.unsure = this.generation === undefined ? this.unsure + 1 : 0;
    if (!this.reachable()) return;
    // The news of its partitions may have been lost on it: then it begins anew.
    if (this.unsure > 3 && this.group.has(this)) this.group.leave(this);
    if (this.group.has(this)) return;
    this.generation = undefined;
    this.unsure = 0;
    this.group.join(this);
  }

  /** The coordinator's side, also when nobody is there any more: the group goes on without whom it has not heard of for a session. */
  private isWaitedFor(): boolean {
    const { now } = this.broker.world;
    if (this.reachable() || !this.broker.up) this.unheardSince = undefined;
    else if (this.unheardSince === undefined) this.unheardSince = now;
    else if (now - this.unheardSince >= SESSION) {
      this.group.leave(this);
      return this.process.alive;
    }
    return true;
  }

  private async read(partition: Partition, generation: number): Promise<void> {
    let position = this.group.offset(partition);
    for (;;) {
      await partition.reaches(position);
      await this.process.arrive(this.way());
      if (this.generation !== generation || this.stopped) return;
      if (!this.transport.connected) {
        await this.transport.whenConnected();
        continue;
      }
      const records = partition.log.slice(position, position + FETCHED).map((record, i) => ({ ...record, offset: String(position + i) }));
      try {
        await this.options.onBatch(this.batch(partition, generation, records));
        position += records.length;
      } catch {
        await this.process.clock.sleep(100);
        position = this.group.offset(partition);
      }
    }
  }

  private batch(partition: Partition, generation: number, records: Batch['records']): Batch {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- a getter of the batch reads it
    const member = this;
    return {
      topic: partition.topic,
      partition: partition.number,
      records,
      get lag() {
        return partition.log.length - Number(records.at(-1)!.offset) - 1;
      },
      get active() {
        return member.generation === generation && !member.stopped;
      },
      heartbeat: () => this.tell(generation, () => undefined),
      commit: (next) =>
        this.tell(generation, () => {
          if (this.weather.strikes('offsets-lost')) throw new BrokerUnavailableError('the offset was not taken');
          this.group.committed.set(partition.name, Number(next));
        }),
    };
  }

  private async tell(generation: number, work: () => void): Promise<void> {
    await this.process.world.pass(this.way());
    const refusal = this.refusal(generation);
    try {
      if (!refusal) work();
    } finally {
      await this.process.arrive(this.way());
    }
    if (refusal) {
      if (this.generation === generation && refusal !== 'away') this.generation = undefined;
      throw new Error(`the coordinator ${refusal === 'away' ? 'cannot be reached' : 'has another generation'}`);
    }
  }

  private refusal(generation: number): 'away' | 'generation' | undefined {
    if (!this.transport.connected) return 'away';
    return this.group.has(this) && this.group.generation === generation ? undefined : 'generation';
  }

  private way(): number {
    return this.process.world.random.latency(WAY) * (this.weather.lasts('slow-network') ? 50 : 1);
  }
}
