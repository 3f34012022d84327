import { type Env, loadConfig } from '@ballast/service';
import { z } from 'zod';
import service from '../service.js';

const secret = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').length === 32, 'must be 32 bytes in base64 (openssl rand -base64 32)');

export const config = (env?: Env) =>
  loadConfig(
    service,
    {
      keySecret: ['AUTH_KEY_SECRET', secret],
      bootstrapFile: ['AUTH_BOOTSTRAP_FILE', z.string().optional()],
      keyLifetimeDays: ['AUTH_KEY_LIFETIME_DAYS', z.coerce.number({ error: 'must be a number of days' }).min(1).max(365).default(30)],
    },
    env,
  );

export type AuthConfig = ReturnType<typeof config>;
