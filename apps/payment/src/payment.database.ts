import { LedgerEntry, LedgerTransaction } from './ledger.entity.js';
import { Ledger1764000000001 } from './migrations/1764000000001-ledger.js';
import { Payment1764000000000 } from './migrations/1764000000000-payment.js';
import { PaymentBooks1796100000000 } from './migrations/1796100000000-books.js';
import { Reconciliation1796100000001 } from './migrations/1796100000001-reconciliation.js';
import { Payment } from './payment.entity.js';
import { Refund } from './refund.entity.js';

export const database = {
  entities: [Payment, Refund, LedgerTransaction, LedgerEntry],
  migrations: [Payment1764000000000, Ledger1764000000001, PaymentBooks1796100000000, Reconciliation1796100000001],
};
