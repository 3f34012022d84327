import { type Env, loadConfig } from '@ballast/service';
import manifest from '../service.js';

export const config = (env?: Env) => loadConfig(manifest, {}, env);
