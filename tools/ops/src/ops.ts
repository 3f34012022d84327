import { opsCommands } from './ops-commands.js';
import { opsHelp } from './options.js';
import { run } from './run.js';

/** `npm run ops`: sagas, outbox, lag and the audit. */
await run('ops', opsHelp, opsCommands);
