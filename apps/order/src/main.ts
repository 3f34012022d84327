import 'reflect-metadata';
import { bootstrapService } from '@ballast/service';
import { config } from './config.js';
import { OrderModule, storage } from './order.module.js';

await bootstrapService(OrderModule, config, storage);
