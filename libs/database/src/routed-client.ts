import pg from 'pg';
import { type Answers, Batch } from './batch.js';
import { type Host, sameHost } from './config.js';
import { NoPrimaryError } from './errors.js';
import { preparedAs } from './prepared.js';
import { streamOf } from './probe.js';
import type { Statement } from './tx.js';

/** What a transaction needs of its connection, beside what pg has. */
export interface TransactionClient extends pg.Client {
  /** The first statement is sent with this BEGIN, and is not run when BEGIN fails. */
  announce(begin: string): void;
  /** Takes back a BEGIN that was announced and has not been sent; whether there was one. */
  withdraw(): boolean;
  /** Whether a BEGIN waits for its first statement. */
  readonly isAnnounced: boolean;
  /** Resolves when what was sent with BEGIN has its answer. */
  readonly begun?: Promise<unknown>;
  /** Sends the statements in one round trip, behind a BEGIN that was announced. Rejects only when a value cannot be written, and has sent nothing. */
  batch(statements: readonly Statement[]): Promise<Answers>;
}

/** A client class that learns its address when it connects, has statements prepared that ask for it, and sends BEGIN with what follows it. */
export function routedClient(route: () => Host | Promise<Host>, connections: Map<pg.ClientBase, Host>): typeof pg.Client {
  return class RoutedClient extends pg.Client {
    private announced?: string;
    private isBeginning = false;
    begun?: Promise<void>;

    get isAnnounced(): boolean {
      return this.announced !== undefined;
    }

    announce(begin: string): void {
      this.announced = begin;
      delete this.begun;
    }

    withdraw(): boolean {
      const was = this.isAnnounced;
      delete this.announced;
      return was;
    }

    async batch(statements: readonly Statement[]): Promise<Answers> {
      if (this.isBeginning) await this.begun;
      const { announced } = this;
      if (announced === undefined) return new Batch(statements).sentBy(this);
      const batch = new Batch([{ name: announced, text: announced, values: [] }, ...statements]);
      this.withdraw();
      this.isBeginning = true;
      const answers = batch.sentBy(this);
      this.begun = answers.then(([begin]) => {
        this.isBeginning = false;
        // What comes next must not be run outside of the transaction.
        if (begin!.status === 'rejected') streamOf(this).destroy();
      });
      await this.begun;
      return (await answers).slice(1);
    }

    // As many forms as pg has; only the one of TypeORM can ask for a prepared statement, and be used before BEGIN was answered.
    override query(...args: [unknown, ...unknown[]]): never {
      const query = super.query.bind(this) as (...args: unknown[]) => never;
      const [text, ...rest] = args;
      if (this.isAnnounced) return this.first(text, rest[0]) as never;
      if (this.isBeginning && !(text instanceof Batch)) return this.begun!.then(() => this.query(...args)) as never;
      const name = preparedAs(text);
      return name ? query({ name, text }, ...rest) : query(...args);
    }

    private async first(text: unknown, values: unknown = []): Promise<pg.QueryResult> {
      if (typeof text !== 'string' || !Array.isArray(values))
        throw new TypeError("a transaction's first statement is given as its text, with its values or without");
      if (SEVERAL.test(text) && !values.length) {
        await this.batch([]);
        return this.query(text);
      }
      const [answer] = await this.batch([{ text, values }]);
      if (answer!.status === 'rejected') throw answer!.reason;
      return answer!.value;
    }

    override connect(): Promise<this>;
    override connect(callback: (error: Error) => void): void;
    override connect(callback?: (error: Error) => void): Promise<this> | void {
      const connected = this.connectRouted();
      if (!callback) return connected.then(() => this);
      connected.then(() => callback(undefined as unknown as Error), callback);
    }

    private async connectRouted(): Promise<void> {
      const target = await route();
      Object.assign(this, target);
      // Where traces read the address.
      Object.assign((this as unknown as { connectionParameters: Host }).connectionParameters, target);
      connections.set(this, target);
      try {
        await super.connect();
        // The view may have changed while it connected.
        if (!sameHost(await route(), target)) throw new NoPrimaryError('another server took over while this one was connected to');
      } catch (error) {
        connections.delete(this);
        streamOf(this).destroy();
        throw error;
      }
    }
  } as typeof pg.Client;
}

/** A semicolon with something behind it: several statements in one text, which a batch cannot have in it, or what looks like it. */
const SEVERAL = /;\s*\S/;
