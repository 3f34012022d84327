import { writeSchemaFiles } from '@ballast/message';
import { fileURLToPath } from 'node:url';
import { messages } from './index.js';

/** `npm run schemas`: writes the JSON Schema of every message; refuses an incompatible change of a committed one. */
const directory = fileURLToPath(new URL('../schemas', import.meta.url));
const differences = writeSchemaFiles(messages, directory);
for (const { file, kind, reasons } of differences) {
  console.log(`${kind.padEnd(12)} ${file}`);
  for (const reason of reasons) console.log(`             ${reason}`);
}
const refused = differences.filter((d) => d.kind === 'incompatible' || d.kind === 'orphan');
if (refused.length) {
  console.error(
    `${refused.length} schema(s) left as they were. Within a version a message may only gain optional fields: declare a new version\n` +
      'beside the old one, publish both until every consumer has moved, then delete the old file together with its definition.',
  );
  process.exitCode = 1;
} else console.log(differences.length ? 'schemas written' : 'schemas are up to date');
