import { dlqCommands } from './dlq-commands.js';
import { dlqHelp } from './options.js';
import { run } from './run.js';

/** `npm run dlq`: messages that could not be handled. */
await run('dlq', dlqHelp, dlqCommands);
