import type { Type } from '@nestjs/common';
import type { BaseConfig, Env } from './config.js';
import type { ServiceParts } from './service.module.js';

/** What a service is, apart from the process it runs in: the default export of its `app.ts`. */
export interface ServiceApp {
  readonly module: Type;
  /** Reads and checks the environment: the process's, unless another is given. Throws `ConfigError`. */
  config(env?: Env): BaseConfig;
  /** What it keeps in its own database, and whether it runs sagas. */
  readonly parts?: ServiceParts;
}
