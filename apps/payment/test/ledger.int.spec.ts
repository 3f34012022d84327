import { randomUUID } from 'node:crypto';
import { Database, type Tx } from '@ballast/database';
import { testDatabase } from '@ballast/testing';
import { DataSource } from 'typeorm';
import { LedgerEntry, LedgerTransaction, type LedgerAccount } from '../src/ledger.entity.js';
import { LedgerService } from '../src/ledger.service.js';
import { SqlLedgerStore } from '../src/ledger.store.js';
import { database } from '../src/payment.database.js';

describe('the ledger, as the database keeps it', () => {
  let store: Awaited<ReturnType<typeof testDatabase>>;
  let db: Database;
  let ledger: LedgerService;
  let owner: DataSource;

  beforeAll(async () => {
    store = await testDatabase('ledger');
    db = await Database.open({ config: store.config, ...database });
    await db.ready;
    ledger = new LedgerService(new SqlLedgerStore(db));
    const [{ host, port }] = store.config.hosts as [{ host: string; port: number }];
    const { user: username, password } = store.config.owner;
    owner = await new DataSource({ type: 'postgres', host, port, username, password, database: store.config.name }).initialize();
  });
  afterAll(async () => {
    await owner?.destroy();
    await db?.close();
    await store?.drop();
  });

  type Side = { account: LedgerAccount; debit?: number; credit?: number; currency?: string };
  const write = (...sides: Side[]) =>
    db.transaction(async (tx: Tx) => {
      const transactionId = randomUUID();
      await tx.insert(LedgerTransaction, { id: transactionId, kind: 'CAPTURE', reference: randomUUID() });
      for (const side of sides)
        await tx.insert(LedgerEntry, { id: randomUUID(), transactionId, currency: 'EUR', debit: 0, credit: 0, ...side });
      return transactionId;
    });
  const entries = () => db.primary.count(LedgerEntry);

  it('takes what balances, and sums it by account and currency', async () => {
    const reference = randomUUID();
    await db.transaction((tx) => ledger.book(tx, { kind: 'CAPTURE', reference, amount: { amount: 500, currency: 'EUR' } }));
    await db.transaction((tx) => ledger.book(tx, { kind: 'REFUND', reference, amount: { amount: 200, currency: 'EUR' } }));
    await db.transaction((tx) => ledger.book(tx, { kind: 'REFUND_REVERSAL', reference, amount: { amount: 200, currency: 'EUR' } }));
    await db.transaction((tx) => ledger.book(tx, { kind: 'CAPTURE', reference: randomUUID(), amount: { amount: 7, currency: 'JPY' } }));
    expect(await ledger.balances()).toEqual({
      balanced: true,
      accounts: [
        { account: 'psp-receivable', currency: 'EUR', debit: 700, credit: 200 },
        { account: 'psp-receivable', currency: 'JPY', debit: 7, credit: 0 },
        { account: 'refunds', currency: 'EUR', debit: 200, credit: 200 },
        { account: 'sales', currency: 'EUR', debit: 0, credit: 500 },
        { account: 'sales', currency: 'JPY', debit: 0, credit: 7 },
      ],
    });
  });

  it.each<[string, string, Side[]]>([
    ['one side only', 'does not balance', [{ account: 'sales', credit: 5 }]],
    [
      'debits that are not credits',
      'does not balance',
      [
        { account: 'psp-receivable', debit: 5 },
        { account: 'sales', credit: 4 },
      ],
    ],
    [
      'a balance over two currencies',
      'does not balance',
      [
        { account: 'psp-receivable', debit: 5 },
        { account: 'sales', credit: 5, currency: 'USD' },
      ],
    ],
    ['a transaction without entries', 'has no entries', []],
    ['an entry with two sides', 'ledger_entry_has_one_side', [{ account: 'sales', debit: 5, credit: 5 }]],
    ['an entry of nothing', 'ledger_entry_has_one_side', [{ account: 'sales' }]],
    ['a negative amount', 'ledger_entry_debit_check', [{ account: 'sales', debit: -5 }]],
    ['an account that is not in the chart', 'ledger_entry_account_check', [{ account: 'petty-cash' as LedgerAccount, debit: 5 }]],
  ])('refuses %s', async (_, reason, sides) => {
    const before = await entries();
    await expect(write(...sides)).rejects.toThrow(reason);
    expect(await entries()).toBe(before);
  });

  it('refuses a side that is added to the past', async () => {
    const transactionId = await write({ account: 'psp-receivable', debit: 5 }, { account: 'sales', credit: 5 });
    const added = db.transaction((tx) =>
      tx.insert(LedgerEntry, { id: randomUUID(), transactionId, account: 'sales', currency: 'EUR', debit: 0, credit: 5 }),
    );
    await expect(added).rejects.toThrow('does not balance');
  });

  it('books an event once', async () => {
    const event = { kind: 'CAPTURE' as const, reference: randomUUID(), amount: { amount: 1, currency: 'EUR' } };
    await db.transaction((tx) => ledger.book(tx, event));
    await expect(db.transaction((tx) => ledger.book(tx, event))).rejects.toThrow('ledger_transaction_once');
  });

  const changes = [
    'UPDATE ledger_entry SET credit = credit + 1 WHERE credit > 0',
    'DELETE FROM ledger_entry',
    'TRUNCATE ledger_entry',
    `UPDATE ledger_transaction SET kind = 'REFUND'`,
    'DELETE FROM ledger_transaction',
    'TRUNCATE ledger_transaction CASCADE',
  ];
  it.each(changes)('does not let the service do this: %s', async (sql) => {
    await expect(db.transaction((tx) => tx.query(sql))).rejects.toThrow('permission denied');
  });
  it.each(changes)('does not let even its owner do this: %s', async (sql) => {
    await expect(owner.query(sql)).rejects.toThrow('is append-only');
  });
});
