import type { Tx } from '@ballast/database';
import {
  Payment,
  Refund,
  type Balance,
  type LedgerEntry,
  type LedgerStore,
  type LedgerTransaction,
  type PaymentKey,
  type PaymentStore,
  type RefundStore,
} from '@ballast/payment/domain';
import { Operation, type OperationStore } from '@ballast/psp/domain';
import { ServerError, type MemoryDatabase, type Table } from './database.js';

const entity = <T extends object>(type: new () => T, row: Readonly<T>): T => Object.assign(new type(), row);

export class MemoryPaymentStore implements PaymentStore {
  readonly payments: Table<string, Payment>;
  private readonly byOrder: Table<string, { id: string }>;

  constructor(
    private readonly database: MemoryDatabase,
    readonly nextId: () => string,
  ) {
    this.payments = database.table();
    this.byOrder = database.table();
  }

  async lock(tx: Tx, key: PaymentKey): Promise<Payment | null> {
    this.database.require(tx);
    const row = this.row(key);
    return row ? entity(Payment, row) : null;
  }

  async addIfNew(tx: Tx, payment: Payment): Promise<void> {
    this.database.require(tx);
    if (!this.byOrder.insert(payment.orderId, { id: payment.id })) return;
    const now = this.database.now();
    this.write({ ...payment, createdAt: now, updatedAt: now } as Payment);
  }

  async save(tx: Tx, payment: Payment): Promise<void> {
    this.database.require(tx);
    this.write({ ...payment, updatedAt: this.database.now() } as Payment);
  }

  async get(id: string): Promise<Payment> {
    const row = this.payments.get(id);
    if (!row) throw new Error(`there is no payment ${id}`);
    return entity(Payment, row);
  }

  async find(key: PaymentKey, accountId?: string): Promise<Payment[]> {
    const row = this.row(key);
    return row && (accountId === undefined || row.accountId === accountId) ? [entity(Payment, row)] : [];
  }

  private row(key: PaymentKey): Readonly<Payment> | undefined {
    const id = 'id' in key ? key.id : this.byOrder.get(key.orderId)?.id;
    return id === undefined ? undefined : this.payments.get(id);
  }

  /** With the table's CHECKs. */
  private write(row: Payment): void {
    const { captured, amount, refunded, status } = row;
    if (captured < 0 || captured > amount) throw refused('payment_never_past_the_amount');
    if (refunded < 0 || refunded > captured) throw refused('payment_never_past_the_capture');
    if (captured > 0 && status !== 'CAPTURED') throw refused('payment_captured_has_status');
    this.payments.put(row.id, row);
  }
}

const refused = (constraint: string) => new ServerError('23514', `violates check constraint "${constraint}"`, constraint);

export class MemoryRefundStore implements RefundStore {
  readonly refunds: Table<string, Refund>;

  constructor(
    private readonly database: MemoryDatabase,
    readonly nextId: () => string,
  ) {
    this.refunds = database.table();
  }

  async add(tx: Tx, values: Parameters<RefundStore['add']>[1]): Promise<Refund> {
    this.database.require(tx);
    if (values.amount <= 0) throw refused('refund_amount_check');
    const row = { ...values, createdAt: this.database.now() };
    this.refunds.put(row.id, row);
    return entity(Refund, row);
  }

  async find(tx: Tx, id: string): Promise<Refund> {
    this.database.require(tx);
    return this.read(id);
  }

  async save(tx: Tx, refund: Refund): Promise<void> {
    this.database.require(tx);
    this.refunds.put(refund.id, { ...refund });
  }

  async get(id: string): Promise<Refund> {
    return this.read(id);
  }

  private read(id: string): Refund {
    const row = this.refunds.get(id);
    if (!row) throw new Error(`there is no refund ${id}`);
    return entity(Refund, row);
  }
}

export class MemoryLedgerStore implements LedgerStore {
  readonly entries: Table<string, LedgerEntry>;
  private readonly events: Table<string, Omit<LedgerTransaction, 'bookedAt'>>;

  constructor(
    private readonly database: MemoryDatabase,
    readonly nextId: () => string,
  ) {
    this.entries = database.table();
    this.events = database.table();
  }

  async add(tx: Tx, event: Omit<LedgerTransaction, 'bookedAt'>, entries: readonly LedgerEntry[]): Promise<void> {
    this.database.require(tx);
    if (!this.events.insert(`${event.kind}/${event.reference}`, event))
      throw new ServerError('23505', 'booked before', 'ledger_transaction_once');
    for (const entry of entries) {
      if (entry.debit > 0 === entry.credit > 0) throw refused('ledger_entry_has_one_side');
      this.entries.put(entry.id, entry);
    }
    this.database.deferred(tx, () => {
      if (!entries.length || difference(entries) !== 0) throw refused('ledger_balanced');
    });
  }

  async balances(): Promise<Balance[]> {
    const sums = new Map<string, Balance>();
    for (const { account, currency, debit, credit } of this.entries.values()) {
      const sum = sums.get(`${account}/${currency}`) ?? { account, currency, debit: 0, credit: 0 };
      sums.set(`${account}/${currency}`, { ...sum, debit: sum.debit + debit, credit: sum.credit + credit });
    }
    return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
  }
}

const difference = (entries: readonly LedgerEntry[]): number => entries.reduce((sum, { debit, credit }) => sum + debit - credit, 0);

const UNKNOWN = {
  kind: null,
  state: 'received' as const,
  code: null,
  digest: null,
  target: null,
  token: null,
  reference: null,
  amount: 0,
  currency: null,
  captured: 0,
  refunded: 0,
  calls: 0,
  dueAt: null,
};

export class MemoryOperationStore implements OperationStore {
  readonly operations: Table<string, Operation>;
  private seq = 0;

  constructor(private readonly database: MemoryDatabase) {
    this.operations = database.table();
  }

  async record(tx: Tx, values: Partial<Operation> & { key: string }): Promise<void> {
    this.database.require(tx);
    // The identity is drawn for a conflict too, as Postgres does.
    this.operations.insert(values.key, { ...UNKNOWN, ...values, seq: ++this.seq });
  }

  async lock(tx: Tx, key: string): Promise<Operation | null> {
    return this.find(tx, key);
  }

  async find(tx: Tx, key: string): Promise<Operation | null> {
    this.database.require(tx);
    const row = this.operations.get(key);
    return row ? entity(Operation, row) : null;
  }

  async save(tx: Tx, operation: Operation): Promise<Operation> {
    this.database.require(tx);
    const { amount, captured, refunded } = operation;
    if (captured < 0 || captured > amount) throw refused('operation_never_past_the_authorisation');
    if (refunded < 0 || refunded > captured) throw refused('operation_never_past_the_capture');
    this.operations.put(operation.key, { ...operation });
    return operation;
  }

  async due(): Promise<string[]> {
    const now = this.database.clock();
    return [...this.operations.values()]
      .filter(({ state, dueAt }) => state === 'processing' && dueAt!.getTime() <= now)
      .map(({ key }) => key);
  }

  async succeeded(cursor: number, limit: number, reference?: string): Promise<Operation[]> {
    return [...this.operations.values()]
      .filter((row) => row.state === 'succeeded' && row.seq > cursor && (reference === undefined || row.reference === reference))
      .sort((a, b) => a.seq - b.seq)
      .slice(0, limit)
      .map((row) => entity(Operation, row));
  }
}
