/**
 * Makes the keys and passwords of secrets.json, and the first two accounts, in the directory it is given: those that are
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
make(accounts, () => {
  const account = (name, roles) => ({ email: `${name}@ballast.example`, password: randomSecret(), roles });
  return JSON.stringify({ accounts: [account('merchant', ['merchant']), account('buyer', [])] });
});

/** Whole or not at all. */
function make(file, content) {
  const path = join(root, file);
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.partial`, content(), { mode: 0o444 });
  renameSync(`${path}.partial`, path);
  console.log(`made ${file}`);
}
