import { reconcile } from './command.js';

process.exitCode = await reconcile(process.argv.slice(2));
