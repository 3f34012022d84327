import type { ServiceApp } from '@ballast/service';
import { OrderModule, storage } from './order.module.js';
import { config } from './config.js';

export default { module: OrderModule, config, parts: storage } satisfies ServiceApp;
