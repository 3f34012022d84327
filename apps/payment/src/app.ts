import type { ServiceApp } from '@ballast/service';
import { readConfig } from './config.js';
import { database } from './payment.database.js';
import { PaymentModule } from './payment.module.js';

export default { module: PaymentModule, config: readConfig, parts: database } satisfies ServiceApp;
