import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Platform } from './platform.js';

type Row = Record<string, unknown>;
interface Undo {
  label: string;
  database: string;
  table: string;
  sql: string;
  values: unknown[];
}

/**
 * Changes rows of a service's database behind its back, as a defect or a hand would, and puts all of them back. As the owner and with
 * the table's triggers off: what the database itself refuses is a difference, too, once a trigger is missing.
 */
export class Tampering {
  private readonly clients = new Map<string, Client>();
  private readonly undos: Undo[] = [];
  private label = '';

  constructor(private readonly platform: Platform) {}

  /** What follows belongs together under this name. */
  begin(label: string): void {
    this.label = label;
  }

  /**
   * Sets columns, given as SQL, of the rows that fit. Fails when there are none. `back`: how each is undone, where others may change it
   * meanwhile; else it gets its old value again.
   */
  async change(database: string, table: string, key: Row, set: Record<string, string>, back?: Record<string, string>): Promise<void> {
    const [where, values] = conditionOf(key);
    const before = await this.rows(database, table, key);
    if (before.length === 0) throw new Error(`nothing in ${table} fits ${JSON.stringify(key)}`);
    const updating = (to: Record<string, string>) =>
      `UPDATE ${table} SET ${Object.entries(to)
        .map(([column, sql]) => `${column} = ${sql}`)
        .join()} WHERE ${where}`;
    await this.write(database, table, updating(set), values);
    if (back) return void this.undos.unshift({ label: this.label, database, table, sql: updating(back), values });
    const columns = Object.keys(set);
    for (const row of before) {
      const [own, id] = conditionOf(Object.fromEntries(KEYS[table]!.map((column) => [column, row[column]])));
      const sql = `UPDATE ${table} SET (${columns.join()}) = (SELECT ${columns.join()} FROM jsonb_populate_record(NULL::${table}, $${id.length + 1})) WHERE ${own}`;
      this.undos.unshift({ label: this.label, database, table, sql, values: [...id, JSON.stringify(row)] });
    }
  }

  async remove(database: string, table: string, key: Row): Promise<void> {
    const [where, values] = conditionOf(key);
    const before = await this.rows(database, table, key);
    if (before.length === 0) throw new Error(`nothing in ${table} fits ${JSON.stringify(key)}`);
    await this.write(database, table, `DELETE FROM ${table} WHERE ${where}`, values);
    for (const row of before) {
      const sql = `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::${table}, $1)`;
      this.undos.unshift({ label: this.label, database, table, sql, values: [JSON.stringify(row)] });
    }
  }

  async add(database: string, table: string, row: Row): Promise<void> {
    const columns = Object.keys(row);
    const places = columns.map((_, i) => `$${i + 1}`);
    await this.write(database, table, `INSERT INTO ${table} (${columns.join()}) VALUES (${places.join()})`, Object.values(row));
    const [where, values] = conditionOf(Object.fromEntries(KEYS[table]!.map((column) => [column, row[column]])));
    this.undos.unshift({ label: this.label, database, table, sql: `DELETE FROM ${table} WHERE ${where}`, values });
  }

  async rows<T extends Row = Row>(database: string, table: string, key: Row): Promise<T[]> {
    const [where, values] = conditionOf(key);
    const client = await this.client(database);
    return (await client.query<{ row: T }>(`SELECT to_jsonb(${table}) AS row FROM ${table} WHERE ${where}`, values)).rows.map(
      ({ row }) => row,
    );
  }

  /** As it was before, the last change first: what belongs to a name that fits. */
  async undo(which: (label: string) => boolean): Promise<void> {
    for (const { label, database, table, sql, values } of this.undos.splice(0))
      if (which(label)) await this.write(database, table, sql, values);
  }

  async close(): Promise<void> {
    for (const client of this.clients.values()) await client.end();
  }

  private async write(database: string, table: string, sql: string, values: unknown[]): Promise<void> {
    const client = await this.client(database);
    await client.query('BEGIN');
    try {
      await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
      await client.query(sql, values);
      await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    }
  }

  private async client(database: string): Promise<Client> {
    const known = this.clients.get(database);
    if (known) return known;
    const read = (file: string) => JSON.parse(readFileSync(join(this.platform.home, file), 'utf8'));
    const [{ host, port }] = read('run.json').postgres.nodes;
    const password = read('secrets.json')[`${database}DatabaseOwnerPassword`];
    const client = new Client({ host, port, database, user: `${database}_owner`, password });
    await client.connect();
    this.clients.set(database, client);
    return client;
  }
}

const KEYS: Record<string, string[]> = {
  ...{ orders: ['id'], saga: ['id'], cart: ['id'], payment: ['id'], refund: ['id'], ledger_transaction: ['id'], ledger_entry: ['id'] },
  ...{ operation: ['key'], reservation: ['order_id'], product: ['sku'] },
};

function conditionOf(key: Row): [string, unknown[]] {
  const columns = Object.keys(key);
  return [columns.map((column, i) => `${column} = $${i + 1}`).join(' AND '), Object.values(key)];
}
