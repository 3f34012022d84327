/**
 * Makes the keys and passwords of secrets.json, and the first accounts, in the directory it is given: those that are
 * missing. What is there stays, so that data made with it stays readable. Says what it made by name only.
 *
 * Files are readable by whoever sees them: each owner's container is given its own volume of them and no other.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = process.argv[2];
const { files, accounts } = JSON.parse(readFileSync(new URL('secrets.json', import.meta.url), 'utf8'));
const randomSecret = () => randomBytes(32).toString('base64url');

const known = new Map();
for (const [file, name] of Object.entries(files)) if (existsSync(join(root, file))) known.set(name, readFileSync(join(root, file), 'utf8'));
for (const [file, name] of Object.entries(files)) {
  if (!known.has(name)) known.set(name, randomSecret());
  make(file, () => known.get(name));
}
makeAccounts(join(root, accounts));

/** Those that are missing: an older file has no operator, and auth makes the account when it finds it there. */
function makeAccounts(path) {
  const present = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).accounts : [];
  const missing = Object.entries({ merchant: ['merchant'], buyer: [], operator: ['operator'] })
    .filter(([, roles]) => !present.some((account) => account.roles.join() === roles.join()))
    .map(([name, roles]) => ({ email: `${name}@ballast.example`, password: randomSecret(), roles }));
  if (missing.length > 0) write(accounts, JSON.stringify({ accounts: [...present, ...missing] }));
}

function make(file, content) {
  if (!existsSync(join(root, file))) write(file, content());
}

/** Whole or not at all. */
function write(file, content) {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.partial`, content, { mode: 0o444 });
  renameSync(`${path}.partial`, path);
  console.log(`made ${file}`);
}
