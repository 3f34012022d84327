import { type Env, loadConfig } from '@ballast/service';
import { z } from 'zod';
import service from '../service.js';

/** Reads the environment. Throws `ConfigError`, which names every bad variable at once. */
export const readConfig = (env?: Env) => {
  const config = loadConfig(service, { apiKey: ['PSP_API_KEY', z.string().min(16)] }, env);
  return { ...config, http: { ...config.http, rateLimit: 0 } }; // one merchant sends everything from one address
};

export type Config = ReturnType<typeof readConfig>;
