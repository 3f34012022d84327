/**
 * `npm run schemas`: the JSON Schema of every message, and beside them, one file per service, what that service reads of the others.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import '../libs/contracts/dist/write-schemas.js';
import { writeStatement } from '../libs/message/dist/index.js';
import { statementOf } from '../libs/service/dist/contracts.js';
import { readManifests } from './cluster/dist/manifests.js';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const manifest of await readManifests(root)) writeStatement(statementOf(manifest), join(root, 'libs', 'contracts', 'consumers'));
