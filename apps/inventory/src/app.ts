import type { ServiceApp } from '@ballast/service';
import { InventoryModule, storage } from './inventory.module.js';
import { config } from './config.js';

export default { module: InventoryModule, config, parts: storage } satisfies ServiceApp;
