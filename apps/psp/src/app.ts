import type { ServiceApp } from '@ballast/service';
import { readConfig } from './config.js';
import { database } from './psp.database.js';
import { PspModule } from './psp.module.js';

export default { module: PspModule, config: readConfig, parts: database } satisfies ServiceApp;
