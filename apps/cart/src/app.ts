import type { ServiceApp } from '@ballast/service';
import { CartModule, storage } from './cart.module.js';
import { config } from './config.js';

export default { module: CartModule, config, parts: storage } satisfies ServiceApp;
