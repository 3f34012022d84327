import { bootstrapService } from '@ballast/service';
import { readConfig } from './config.js';
import { database } from './psp.database.js';
import { PspModule } from './psp.module.js';

await bootstrapService(PspModule, readConfig, database);
