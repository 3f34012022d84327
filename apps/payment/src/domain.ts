/** What this service does, for the simulator, which brings its own stores. */
export type { Config } from './config.js';
export { type LedgerEntry, type LedgerTransaction } from './ledger.entity.js';
export { LedgerService } from './ledger.service.js';
export { type Balance, type LedgerStore, SqlLedgerStore } from './ledger.store.js';
export { database as storage } from './payment.database.js';
export { PaymentConsumers } from './payment.consumers.js';
export { PaymentController } from './payment.controller.js';
export { Payment } from './payment.entity.js';
export { errors } from './payment.errors.js';
export { refundAtProvider } from './payment.intents.js';
export { type PaymentKey, type PaymentStore, SqlPaymentStore } from './payment.store.js';
export { PaymentProvider, type ProviderAnswer } from './payment.provider.js';
export { PaymentService } from './payment.service.js';
export { PaymentWorkers } from './payment.workers.js';
export { processorPolicy, PspProvider } from './psp.provider.js';
export { Refund } from './refund.entity.js';
export { RefundService } from './refund.service.js';
export { type RefundStore, SqlRefundStore } from './refund.store.js';
