/**
 * `npm run fuzz [-- options]`: Schemathesis against every service of the running platform, each by its own OpenAPI document, as each of the
 * platform's accounts. It fails on a 5xx, a status, content type or body that the document does not have, bad data that is taken, and a
 * protected route that is not. The first run makes a virtual environment in `.ballast/`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const requirements = join(root, 'tools/fuzz/requirements.txt');
const venv = join(root, '.ballast/fuzz');
const bin = (name) => (process.platform === 'win32' ? join(venv, 'Scripts', `${name}.exe`) : join(venv, 'bin', name));
/** What is right by its schema may still be refused for what the shop knows (404, 409, 400 of a currency that does not exist). */
const LEFT_OUT = 'positive_data_acceptance';
/** Wrong passwords are counted by address: these never come from ours, which would lock everybody here out. */
const ADDRESS = '198.51.100.7';

const HELP = `Usage: npm run fuzz [-- options]

Sends generated requests to every service of the running platform, each by its own OpenAPI document, and fails on an answer that the document does not have.

  --seconds N        for all together, 60 by default
  --service NAME     only this service; again for each
  --seed N           the same requests again
  --home DIRECTORY   of a platform that keeps its data elsewhere than in .ballast
  --help

It needs a platform that runs (npm start) and Python 3.10 or newer. Ends with 1 when something failed.`;

let values;
main().catch((error) => {
  console.error(`ballast: ${error.message}`);
  process.exitCode = 1;
});

async function main() {
  values = parse();
  if (values.help) return console.log(HELP);
  const seconds = Number(values.seconds);
  if (!(seconds >= 1)) throw new Error('--seconds takes a number of at least 1');
  const run = readJson('run.json', 'Nothing runs: start the platform with npm start first');
  const names = values.service ?? Object.keys(run.services);
  prepare();
  const callers = await signIn(run.gateway);
  const targets = names.flatMap((name) => {
    if (!run.services[name]) throw new Error(`no service ${name}: one of ${Object.keys(run.services).join(', ')}`);
    const { url } = run.services[name];
    if (name === 'psp') return [{ name, as: 'payment', url, headers: { 'X-Api-Key': readJson('secrets.json').pspApiKey } }];
    return Object.entries(callers).map(([as, token]) => ({ name, as, url, headers: { Authorization: `Bearer ${token}` } }));
  });
  const failed = [];
  for (const target of targets) {
    const { code, output } = await fuzz(target, Math.max(1, Math.floor(seconds / targets.length)));
    const cases = /(\d+) generated/.exec(output)?.[1] ?? 'no';
    console.log(`${code === 0 ? '✔' : '✖'} ${target.name} as ${target.as}: ${cases} requests`);
    if (code === 0) continue;
    failed.push(target.name);
    console.log(output);
  }
  if (failed.length > 0) throw new Error(`not what their documents say: ${[...new Set(failed)].join(', ')}`);
}

function parse() {
  try {
    return parseArgs({
      options: {
        seconds: { type: 'string', default: '60' },
        home: { type: 'string', default: join(root, '.ballast') },
        service: { type: 'string', multiple: true },
        seed: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new Error(`${error.message.split('. ')[0]}; see --help`);
  }
}

/** A virtual environment with exactly the packages of requirements.txt, made again when that file changes. */
function prepare() {
  const stamp = join(venv, 'stamp');
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const python = ['python3', 'python'].find(
    (name) => spawnSync(name, ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 10))']).status === 0,
  );
  if (!python) throw new Error('npm run fuzz needs python3 (3.10 or newer) with its venv module: install it, or let CI run it');
  console.log('Installing Schemathesis into .ballast/fuzz');
  rmSync(venv, { recursive: true, force: true });
  mkdirSync(venv, { recursive: true });
  must(python, ['-m', 'venv', venv]);
  must(bin('python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  writeFileSync(stamp, wanted);
}

function must(program, args) {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed\n${stderr ?? error?.message}`);
}

async function signIn(gateway) {
  const credentials = readJson('credentials.json');
  const tokens = {};
  for (const [as, account] of Object.entries(credentials)) {
    const response = await fetch(`${gateway}/auth/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(account),
    });
    if (response.status !== 201) throw new Error(`the ${as} cannot sign in: ${response.status}`);
    tokens[as] = (await response.json()).accessToken;
  }
  return tokens;
}

function fuzz({ url, headers }, budget) {
  const args = ['--no-color', 'run', `${url}/docs/json`, '--url', url, '--phases', 'coverage,fuzzing', '--max-time', String(budget)];
  args.push('--exclude-checks', LEFT_OUT, '--warnings', 'off', '--rate-limit', '90/s', '--header', `X-Forwarded-For: ${ADDRESS}`);
  for (const [name, value] of Object.entries(headers)) args.push('--header', `${name}: ${value}`);
  if (values.seed) args.push('--seed', values.seed);
  return new Promise((resolve, reject) => {
    const child = spawn(bin('schemathesis'), args, { cwd: venv, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

function readJson(file, otherwise) {
  try {
    return JSON.parse(readFileSync(join(values.home, file), 'utf8'));
  } catch {
    throw new Error(otherwise ?? `${join(values.home, file)} cannot be read`);
  }
}
