import { CommitUnknownError, NoPrimaryError, type Tx } from '@ballast/database';
import { isSerializationFailure } from '@ballast/database/parts';
import type { UnitOfWork } from '@ballast/messaging/parts';
import { ServerError, type MemoryDatabase } from './memory/database.js';
import type { Instance } from './instance.js';
import type { Process } from './process.js';
import type { Weather } from './weather.js';

/** Milliseconds, one way. */
const WAY = 0.4;
/** How long a client looks for a primary, or waits on a connection that broke. */
const PATIENCE = 60;

/** A process's way to its database: what `Database` is to the services, and what carries single statements for the stores. */
export class Connection implements UnitOfWork {
  constructor(
    private readonly process: Process,
    private readonly instance: Instance,
    readonly database: MemoryDatabase,
    private readonly weather: Weather,
  ) {}

  get available(): boolean {
    const { service, name } = this.instance;
    return !this.weather.lasts('database-down', service) && !this.weather.lasts('cut-database', name);
  }

  /** Noticed within a tenth of a second, as by a client that looks so often. */
  async whenAvailable(signal?: AbortSignal): Promise<void> {
    while (!this.available) {
      signal?.throwIfAborted();
      await this.weather.change(signal);
      await this.process.clock.sleep(this.process.world.random.int(1, 100), signal);
    }
  }

  /**
   * One statement outside of a transaction. What has been sent is carried out even when the process that sent it is paused or gone:
   * that is what a zombie is.
   */
  async ask<T>(statement: () => Promise<T>): Promise<T> {
    await this.process.world.pass(this.way());
    if (!this.available) await this.turnedAway();
    const result = await statement();
    await this.process.arrive(this.way());
    if (!this.available) throw connectionLost();
    return result;
  }

  /** As `Database.transaction`: again, up to 3 times, when it loses against another one. */
  async transaction<T>(work: (tx: Tx) => Promise<T>, { attempts = 3 }: { attempts?: number } = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(work);
      } catch (error) {
        if (attempt >= attempts || !isSerializationFailure(error)) throw error;
        await this.process.arrive(this.process.world.random.int(1, 40));
      }
    }
  }

  private async once<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    await this.process.world.pass(this.way());
    if (!this.available) await this.turnedAway();
    if (!this.process.free) await this.process.running();
    // Whoever was paused on the way finds the connection as it is now.
    if (!this.available) throw connectionLost();
    const { result, commit, rollback } = await this.database.begin(work);
    const { name, service } = this.instance;
    if (this.weather.strikes('deadlocks', service)) {
      rollback();
      await this.process.arrive(this.way());
      throw new ServerError('40P01', 'deadlock detected');
    }
    const unknown = this.weather.strikes('commits-unknown', service);
    if (unknown && this.process.world.random.chance(0.5)) {
      rollback();
      this.process.world.note(name, 'COMMIT never reached the database, and no answer came');
      await this.process.arrive(PATIENCE);
      throw new CommitUnknownError(connectionLost());
    }
    const after = this.committed(commit);
    await this.process.arrive(unknown ? PATIENCE : this.way());
    if (unknown || !this.available) {
      this.process.world.note(name, 'the answer to COMMIT was lost');
      throw new CommitUnknownError(connectionLost());
    }
    after();
    return result;
  }

  private committed(commit: () => () => void): () => void {
    try {
      return commit();
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  private async turnedAway(): Promise<never> {
    await this.process.arrive(PATIENCE);
    throw new NoPrimaryError('it cannot be reached');
  }

  private way(): number {
    const { random } = this.process.world;
    return random.latency(WAY) * (this.weather.lasts('slow-network') ? 60 : 1);
  }
}

const connectionLost = (): Error => Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });

/** Of a store's polls: whether one that is asked now would find nothing and change nothing. */
export type Idle<S> = { readonly [M in keyof S]?: S[M] extends (...args: infer A) => unknown ? (...args: A) => boolean : never };

/**
 * The store as a process has it: these methods are statements of their own, the others run inside of its transactions. A poll that finds
 * nothing has its answer at once, as from a network that took no time: its way there and back changes nothing, and most polls are like that.
 */
export function remote<S extends object>(connection: Connection, store: S, ...methods: (keyof S & string)[]): S {
  const { idle: polls = {} } = store as { idle?: Record<string, (...args: unknown[]) => boolean> };
  const client = Object.create(store) as Record<string, unknown>;
  for (const method of methods) {
    const statement = (store as Record<string, unknown>)[method] as (...args: unknown[]) => Promise<unknown>;
    const idle = polls[method];
    const ask = (...args: unknown[]) => connection.ask(() => statement.apply(store, args));
    client[method] = idle
      ? (...args: unknown[]) => (connection.available && idle(...args) ? statement.apply(store, args) : ask(...args))
      : ask;
  }
  return client as S;
}
