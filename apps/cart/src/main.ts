import 'reflect-metadata';
import { bootstrapService } from '@ballast/service';
import { CartModule, storage } from './cart.module.js';
import { config } from './config.js';

await bootstrapService(CartModule, config, storage);
