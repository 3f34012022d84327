import { Database, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { LedgerEntry, LedgerTransaction, type LedgerAccount } from './ledger.entity.js';

/** The sums of one account in minor units of one currency. */
export interface Balance {
  account: LedgerAccount;
  currency: string;
  debit: number;
  credit: number;
}

/** The books: what is written stays, and what does not balance does not commit. */
export interface LedgerStore {
  nextId(): string;
  /** Rejects when the event was booked before. */
  add(tx: Tx, event: Omit<LedgerTransaction, 'bookedAt'>, entries: readonly LedgerEntry[]): Promise<void>;
  /** By account and currency; one consistent picture from the primary. */
  balances(): Promise<Balance[]>;
}

@Injectable()
export class SqlLedgerStore implements LedgerStore {
  constructor(private readonly db: Database) {}

  nextId(): string {
    return uuidv7();
  }

  async add(tx: Tx, event: Omit<LedgerTransaction, 'bookedAt'>, entries: readonly LedgerEntry[]): Promise<void> {
    await tx.insert(LedgerTransaction, event);
    await tx.insert(LedgerEntry, [...entries]);
  }

  async balances(): Promise<Balance[]> {
    const rows = await this.db.primary
      .createQueryBuilder(LedgerEntry, 'e')
      .select('e.account', 'account')
      .addSelect('e.currency', 'currency')
      .addSelect('sum(e.debit)', 'debit')
      .addSelect('sum(e.credit)', 'credit')
      .groupBy('e.account, e.currency')
      .orderBy('e.account')
      .addOrderBy('e.currency')
      .getRawMany<{ account: LedgerAccount; currency: string; debit: string; credit: string }>();
    return rows.map((row) => ({ ...row, debit: Number(row.debit), credit: Number(row.credit) }));
  }
}
