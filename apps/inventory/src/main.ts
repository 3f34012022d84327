import 'reflect-metadata';
import { bootstrapService } from '@ballast/service';
import { config } from './config.js';
import { InventoryModule, storage } from './inventory.module.js';

await bootstrapService(InventoryModule, config, storage);
