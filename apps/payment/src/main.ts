import { bootstrapService } from '@ballast/service';
import { readConfig } from './config.js';
import { database } from './payment.database.js';
import { PaymentModule } from './payment.module.js';

await bootstrapService(PaymentModule, readConfig, database);
