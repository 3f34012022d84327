import type { Money } from '@ballast/contracts';
import { Database, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { LedgerEntry, LedgerTransaction, type LedgerAccount, type LedgerTransactionKind } from './ledger.entity.js';

/** Which account each event debits and which it credits. */
const POSTINGS: Readonly<Record<LedgerTransactionKind, { debit: LedgerAccount; credit: LedgerAccount }>> = {
  CAPTURE: { debit: 'psp-receivable', credit: 'sales' },
  REFUND: { debit: 'refunds', credit: 'psp-receivable' },
  REFUND_REVERSAL: { debit: 'psp-receivable', credit: 'refunds' },
};

/** The sums of one account in minor units of one currency. */
export interface Balance {
  account: LedgerAccount;
  currency: string;
  debit: number;
  credit: number;
}

/** Double-entry books. The database refuses what does not balance and what would change the past. */
@Injectable()
export class LedgerService {
  constructor(private readonly db: Database) {}

  /** Books one event in the caller's transaction; the same event twice breaks a unique constraint. An amount of 0 moves nothing. */
  async book(tx: Tx, event: { kind: LedgerTransactionKind; reference: string; amount: Money }): Promise<void> {
    const { kind, reference, amount } = event;
    if (amount.amount === 0) return;
    const transactionId = uuidv7();
    const side = (account: LedgerAccount, debit: number, credit: number) => ({
      id: uuidv7(),
      transactionId,
      account,
      currency: amount.currency,
      debit,
      credit,
    });
    const { debit, credit } = POSTINGS[kind];
    await tx.insert(LedgerTransaction, { id: transactionId, kind, reference });
    await tx.insert(LedgerEntry, [side(debit, amount.amount, 0), side(credit, 0, amount.amount)]);
  }

  /** Every account's sums, and whether debits equal credits in each currency; one consistent picture from the primary. */
  async balances(): Promise<{ accounts: Balance[]; balanced: boolean }> {
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
    const accounts = rows.map((row) => ({ ...row, debit: Number(row.debit), credit: Number(row.credit) }));
    return { accounts, balanced: isBalanced(accounts) };
  }
}

export function isBalanced(accounts: readonly Balance[]): boolean {
  const difference = new Map<string, number>();
  for (const { currency, debit, credit } of accounts) difference.set(currency, (difference.get(currency) ?? 0) + debit - credit);
  return [...difference.values()].every((d) => d === 0);
}
