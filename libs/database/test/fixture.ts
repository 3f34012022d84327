import { Column, Entity, type MigrationInterface, PrimaryColumn, type QueryRunner } from 'typeorm';
import { testDatabase } from '@ballast/testing';
import { Database, type DatabaseConfig, type DatabaseOptions } from '../src/index.js';

@Entity('note')
export class Note {
  @PrimaryColumn('text') id: string;
  @Column('text', { default: '' }) text: string;
}

export class Notes1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE note (id text PRIMARY KEY, text text NOT NULL DEFAULT '')`);
    await runner.query('CREATE TABLE numbered (id bigserial PRIMARY KEY)');
    await runner.query('CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
  }
  async down(): Promise<void> {}
}

export const schema = { entities: [Note], migrations: [Notes1700000000000] } satisfies Partial<DatabaseOptions>;

const cleanups: (() => Promise<unknown>)[] = [];

/** Runs at the end of the test file, last registered first. */
export const cleanup = (work: () => Promise<unknown>) => void cleanups.unshift(work);
afterAll(async () => {
  for (const work of cleanups) await work();
});

/** A fresh database of its own, closed and dropped at the end. */
export async function freshConfig(): Promise<DatabaseConfig> {
  const { config, drop } = await testDatabase('db');
  cleanup(drop);
  return config;
}

export async function open(config: DatabaseConfig, options: Partial<DatabaseOptions> = schema): Promise<Database> {
  const database = await Database.open({ ...options, config });
  cleanup(() => database.close());
  return database;
}

export async function opened(config: DatabaseConfig, options?: Partial<DatabaseOptions>): Promise<Database> {
  const database = await open(config, options);
  await database.ready;
  return database;
}

export const texts = async (database: Database): Promise<Record<string, string>> =>
  Object.fromEntries((await database.primary.find(Note)).map((n) => [n.id, n.text]));
