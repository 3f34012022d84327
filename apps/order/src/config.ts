import { loadConfig } from '@ballast/service';
import manifest from '../service.js';

export const config = () => loadConfig(manifest);
