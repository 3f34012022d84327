import type { Duplex } from 'node:stream';
import pg from 'pg';
import { serialize } from 'pg-protocol';
import { preparedAs } from './prepared.js';
import type { Statement } from './tx.js';

/** What became of each statement. Those behind one that failed were not run, and have its error too. */
export type Answers = readonly PromiseSettledResult<pg.QueryResult>[];

/**
 * Statements that are sent in one write, with one Sync behind all of them, and answered in one. Once one fails the server skips the others: nothing that
 * stands behind BEGIN is run outside of the transaction. (PostgreSQL, Message Flow, Pipelining.) pg's own pipeline has a Sync behind each statement:
 * the server goes on after an error, and each costs both sides a read and a write.
 *
 * To pg's client it is one query, which is handed all that the server sends. Throws when a value cannot be written.
 */
export class Batch extends (pg.Query as unknown as new (config: object) => ClientQuery) {
  private readonly parts: readonly Part[];
  /** The part whose answer is awaited. */
  private at = 0;
  private failure?: Error;
  /** How long the client waits for all answers, ms; 0: for ever. */
  query_timeout = 0;

  constructor(readonly statements: readonly Statement[]) {
    // What traces show of it.
    super({ name: statements.map(title).join(' + '), text: statements.map(({ text }) => text).join(';\n') });
    this.parts = statements.map(({ text, values, name = preparedAs(text) }) => ({
      name,
      text,
      values: values.map(inside.utils.prepareValue),
      result: new inside.Result(),
    }));
  }

  /** Resolves when the server has answered all, and the client knows whether it is in a transaction. Never rejects. */
  sentBy(client: pg.Client): Promise<Answers> {
    // The client's patience is for one statement, as the server's is.
    this.query_timeout = ((client as unknown as Patient).connectionParameters.query_timeout || 0) * this.parts.length;
    const query = client.query.bind(client) as unknown as (batch: Batch, done: (error: Error | null) => void) => void;
    return new Promise((resolve) => {
      query(this, (error) => {
        this.failure ??= error ?? undefined;
        resolve(this.answers());
      });
    });
  }

  private answers(): Answers {
    return this.parts.map(({ result, unreadable }, n) => {
      const reason = unreadable ?? (n < this.at ? undefined : this.failure);
      return reason ? { status: 'rejected', reason } : { status: 'fulfilled', value: result };
    });
  }

  override submit({ stream, parsedStatements, submittedNamedStatements }: Connection): null {
    const written: Buffer[] = [];
    for (const { name, text, values, result } of this.parts) {
      result._types = this._result._types;
      if (!name || !(name in parsedStatements || name in submittedNamedStatements)) {
        written.push(serialize.parse({ text, ...(name && { name }) }));
        if (name) submittedNamedStatements[name] = text;
      }
      written.push(serialize.bind({ values, ...(name && { statement: name }) }), DESCRIBE, serialize.execute());
    }
    if (stream.writable) stream.write(Buffer.concat([...written, serialize.sync()]));
    this.goTo(0);
    return null;
  }

  override handleRowDescription({ fields }: { fields: unknown[] }): void {
    this.parts[this.at]!.result.addFields(fields);
  }

  override handleDataRow({ fields }: { fields: unknown[] }): void {
    const part = this.parts[this.at]!;
    try {
      part.result.addRow(part.result.parseRow(fields));
    } catch (error) {
      part.unreadable ??= error as Error;
    }
  }

  override handleCommandComplete(message: unknown): void {
    this.parts[this.at]!.result.addCommandComplete(message);
    this.goTo(this.at + 1);
  }

  override handleEmptyQuery(): void {
    this.goTo(this.at + 1);
  }

  override handleReadyForQuery(): void {
    this.callback?.(null);
  }

  /** From the server, or from the client: the connection is gone, or has no more patience. */
  override handleError(error: Error, connection: Connection): void {
    this.failure ??= error;
    for (const { name } of this.parts.slice(this.at)) if (name) delete connection.submittedNamedStatements[name];
    if (!(error instanceof pg.DatabaseError)) return this.callback?.(this.failure);
    // What the server still sends goes to nobody, and only when that is there does the client know whether it is in a transaction.
    const done = () => {
      for (const event of LAST) connection.off(event, done);
      this.callback?.(this.failure!);
    };
    for (const event of LAST) connection.on(event, done);
  }

  /** The client keeps the name of what was parsed, which it takes from here. */
  private goTo(place: number): void {
    this.at = place;
    this.name = this.parts[place]?.name;
    this.text = this.parts[place]?.text;
  }
}

const DESCRIBE = serialize.describe({ type: 'P', name: '' });
const LAST = ['readyForQuery', 'end'] as const;

/** `UPDATE intent`, and of what has no name its first word. */
const title = ({ text, name = preparedAs(text) ?? /\w+/.exec(text)?.[0].toUpperCase() ?? '' }: Statement): string =>
  name.replace(/ [0-9a-f]{12}$/, '');

interface Part {
  readonly name: string | undefined;
  readonly text: string;
  readonly values: unknown[];
  readonly result: Result;
  /** Why a row of the answer could not be read. */
  unreadable?: Error;
}

// What pg has and its types leave out.

const inside = pg as unknown as { utils: { prepareValue(value: unknown): unknown }; Result: new () => Result };

interface Result extends pg.QueryResult {
  _types: unknown;
  addFields(fields: unknown[]): void;
  parseRow(fields: unknown[]): object;
  addRow(row: object): void;
  addCommandComplete(message: unknown): void;
}

interface Patient {
  readonly connectionParameters: { readonly query_timeout: number | false };
}

/** What pg's client asks of a query. */
interface ClientQuery {
  name: string | undefined;
  text: string | undefined;
  readonly callback?: (error: Error | null) => void;
  readonly _result: { _types: unknown };
  submit(connection: Connection): Error | null;
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown): void;
  handleEmptyQuery(): void;
  handleReadyForQuery(): void;
  handleError(error: Error, connection: Connection): void;
}

interface Connection {
  readonly stream: Duplex;
  readonly parsedStatements: Record<string, string>;
  /** Whose Parse has no answer yet. */
  readonly submittedNamedStatements: Record<string, string>;
  on(event: (typeof LAST)[number], listener: () => void): void;
  off(event: (typeof LAST)[number], listener: () => void): void;
}
