import type { Money } from '@ballast/contracts';
import type { Tx } from '@ballast/database';
import { Inject, Injectable } from '@nestjs/common';
import type { LedgerAccount, LedgerTransactionKind } from './ledger.entity.js';
import { SqlLedgerStore, type Balance, type LedgerStore } from './ledger.store.js';

/** Which account each event debits and which it credits. */
const POSTINGS: Readonly<Record<LedgerTransactionKind, { debit: LedgerAccount; credit: LedgerAccount }>> = {
  CAPTURE: { debit: 'psp-receivable', credit: 'sales' },
  REFUND: { debit: 'refunds', credit: 'psp-receivable' },
  REFUND_REVERSAL: { debit: 'psp-receivable', credit: 'refunds' },
};

/** Double-entry books. The database refuses what does not balance and what would change the past. */
@Injectable()
export class LedgerService {
  constructor(@Inject(SqlLedgerStore) private readonly store: LedgerStore) {}

  /** Books one event in the caller's transaction; the same event twice breaks a unique constraint. An amount of 0 moves nothing. */
  async book(tx: Tx, event: { kind: LedgerTransactionKind; reference: string; amount: Money }): Promise<void> {
    const { kind, reference, amount } = event;
    if (amount.amount === 0) return;
    const transactionId = this.store.nextId();
    const side = (account: LedgerAccount, debit: number, credit: number) => ({
      id: this.store.nextId(),
      transactionId,
      account,
      currency: amount.currency,
      debit,
      credit,
    });
    const { debit, credit } = POSTINGS[kind];
    const sides = [side(debit, amount.amount, 0), side(credit, 0, amount.amount)];
    await this.store.add(tx, { id: transactionId, kind, reference }, sides);
  }

  /** Every account's sums, and whether debits equal credits in each currency; one consistent picture from the primary. */
  async balances(): Promise<{ accounts: Balance[]; balanced: boolean }> {
    const accounts = await this.store.balances();
    return { accounts, balanced: isBalanced(accounts) };
  }
}

export function isBalanced(accounts: readonly Balance[]): boolean {
  const difference = new Map<string, number>();
  for (const { currency, debit, credit } of accounts) difference.set(currency, (difference.get(currency) ?? 0) + debit - credit);
  return [...difference.values()].every((d) => d === 0);
}
