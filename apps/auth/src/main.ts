import { bootstrapService } from '@ballast/service';
import { AuthModule, authParts } from './auth.module.js';
import { config } from './config.js';

await bootstrapService(AuthModule, config, authParts);
