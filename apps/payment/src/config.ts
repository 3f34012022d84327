import { type Env, loadConfig } from '@ballast/service';
import { z } from 'zod';
import service from '../service.js';

/** Reads the environment. Throws `ConfigError`, which names every bad variable at once. */
export const readConfig = (env?: Env) =>
  loadConfig(service, { pspUrl: ['PSP_URL', z.url()], pspApiKey: ['PSP_API_KEY', z.string().min(16)] }, env);

export type Config = ReturnType<typeof readConfig>;
