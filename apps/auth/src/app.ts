import type { ServiceApp } from '@ballast/service';
import { AuthModule, authParts } from './auth.module.js';
import { config } from './config.js';

export default { module: AuthModule, config, parts: authParts } satisfies ServiceApp;
