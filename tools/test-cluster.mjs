/**
 * `npm run test:cluster`: the cluster of docker compose as a reader gets it, profile ha, beside whatever else runs here: built, started from nothing,
 * a checkout by way of both gateways, its trace in Jaeger, three drills, and down again with its data. Needs Docker with Compose v2; else it says so.
 * `-- --keep` leaves it up. `-- --all` goes on with what takes longer: every dashboard's queries, a rolling upgrade of one service to another image and
 * of one that has to be taken back, a restore. Ends with the images' sizes, a table and, alone on a line, `N passed, N failed`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const HELP = `Usage: npm run test:cluster [-- options]

Builds the images, starts the cluster of profile ha from nothing as a project of its own on ports of its own, tries it, and takes it down with its data.
What an earlier run left there goes first. Needs Docker with Compose v2.

  --all    goes on with what takes longer: every dashboard's queries, two rolling upgrades, a restore
  --keep   leaves it up, until the next run
  --help`;

const PROJECT = 'ballast-test';
const PORTS = {
  GATEWAY_PORT: '28080',
  GATEWAY_2_PORT: '28081',
  JAEGER_PORT: '36686',
  PROMETHEUS_PORT: '29090',
  ALERTMANAGER_PORT: '29093',
  LOGS_PORT: '29428',
  SYSLOG_PORT: '25514',
};
/**
 * One for each thing that there is more than one of: a database, a broker, each service. With less load and more time than their goals have:
 * nobody knows how fast the machine is, and what is lost or doubled shows on any.
 */
const DRILLS = ['kill-primary', 'kafka-leader', 'service-replica'];
const EASY = ['--trials', '1', '--rate', '1', '--slack', '4'];
/** They do their work and end. */
const JOBS = ['init', 'databases', 'seed'];
const [HEALTHY, CHECKOUT] = ['started and healthy', 'checkout and trace'];
const MINUTE = 60_000;
const HEALTHY_WITHIN = 8 * MINUTE;

/** What it is to take without `--all`, once images are built. Only said: nobody knows how fast the machine is. */
const PROMISED = 15 * MINUTE;

const { keep, all, help } = options();
if (help) {
  console.log(HELP);
  process.exit();
}
const results = [];
const reports = mkdtempSync(join(tmpdir(), 'ballast-cluster-'));
process.on('exit', () => rmSync(reports, { recursive: true, force: true }));
const env = {
  ...process.env,
  ...PORTS,
  COMPOSE_PROJECT_NAME: PROJECT,
  COMPOSE_PROFILES: 'ha',
  GATEWAY_URL: `http://127.0.0.1:${PORTS.GATEWAY_PORT}`,
  GATEWAY_2_URL: `http://127.0.0.1:${PORTS.GATEWAY_2_PORT}`,
  JAEGER_URL: `http://127.0.0.1:${PORTS.JAEGER_PORT}`,
  PROMETHEUS_URL: `http://127.0.0.1:${PORTS.PROMETHEUS_PORT}`,
  LOGS_URL: `http://127.0.0.1:${PORTS.LOGS_PORT}`,
  NODE_ENV: 'test',
};

if (spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status !== 0) fail('Docker with Compose v2 is not installed');
if (spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 30_000 }).status !== 0) fail('no Docker engine answers');
// Docker's old builder does not share what is being built: at the same time it would do the same work once for each service.
if (spawnSync('docker', ['buildx', 'version'], { stdio: 'ignore' }).status !== 0)
  Object.assign(env, { DOCKER_BUILDKIT: '0', COMPOSE_PARALLEL_LIMIT: '1' });

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (stopping = true));
try {
  // After --keep, or when a run was killed, containers and their data are there still.
  await step('nothing left of earlier runs', down);
  await step('images', () => run('docker', ['compose', 'build', '--quiet'], 30 * MINUTE));
  await step(HEALTHY, start);
  await step(CHECKOUT, () => jest('journey'));
  for (const name of DRILLS)
    await step(`drill ${name}`, () => npm('chaos', name, ...EASY, '--project', PROJECT, '--out', reports), { goOn: true });
  if (all) {
    await step('dashboards', () => jest('dashboards', 20 * MINUTE), { goOn: true });
    Object.assign(env, { ROLLOUT_SERVICES: 'cart' });
    await step('rolling upgrade of cart', () => jest('rollout', 30 * MINUTE), { goOn: true });
    await step('restore', () => npm('restore-drill', env.GATEWAY_URL), { goOn: true });
  }
} catch (error) {
  console.error(`ballast: ${error.message}`);
} finally {
  if (!keep) await down().catch((error) => console.error(error.message));
}

console.log('\nimages:');
spawnSync('docker', ['image', 'ls', '--filter', 'reference=ballast/*:latest', '--format', '{{.Repository}}\t{{.Size}}'], {
  stdio: 'inherit',
});
console.log(`\n${'step'.padEnd(42)}${'seconds'.padStart(9)}${'passed'.padStart(9)}${'failed'.padStart(9)}`);
for (const { name, seconds, passed, failed } of results)
  console.log(name.padEnd(42) + seconds.toFixed(1).padStart(9) + String(passed).padStart(9) + String(failed).padStart(9));
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
console.log(`${'together'.padEnd(42)}${sum('seconds').toFixed(1).padStart(9)}\n`);
const healthy = results.find(({ name, failed }) => name === HEALTHY && !failed);
if (healthy) console.log(`healthy ${healthy.seconds.toFixed(0)} s after \`up\`, from nothing`);
const usual = results.filter(({ name }) => [HEALTHY, CHECKOUT].includes(name) || name.startsWith('drill'));
const took = usual.reduce((total, { seconds }) => total + seconds, 0) * 1000;
console.log(`${(took / MINUTE).toFixed(1)} minutes without building${all ? ' and without what --all adds' : ''}, of ${PROMISED / MINUTE}`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') || stopping ? 1 : 0;

/** What fails ends the run, unless the next step can do without it. */
async function step(name, work, { goOn = false } = {}) {
  if (stopping) throw new Error('stopped');
  console.log(`\n── ${name} ${'─'.repeat(Math.max(0, 70 - name.length))}`);
  const begun = performance.now();
  const done = (outcome) => results.push({ name, seconds: (performance.now() - begun) / 1000, ...outcome });
  try {
    done({ passed: 1, failed: 0, ...(await work()) });
  } catch (error) {
    done({ passed: 0, failed: 1 });
    if (!goOn) throw error;
    console.error(`ballast: ${error.message}`);
  }
}

/** With its data. */
function down() {
  return run('docker', ['compose', 'down', '--volumes', '--timeout', '5'], 5 * MINUTE);
}

/** Up, and every container healthy; jobs have ended well. */
async function start() {
  await run('docker', ['compose', 'up', '-d', '--no-build', '--quiet-pull'], HEALTHY_WITHIN, { quiet: true });
  const end = Date.now() + HEALTHY_WITHIN;
  for (;;) {
    const waiting = containers().filter(({ Service, State, Health, ExitCode }) =>
      State === 'running' ? (Health ? Health !== 'healthy' : JOBS.includes(Service)) : State !== 'exited' || ExitCode !== 0,
    );
    if (waiting.length === 0) return;
    const names = waiting.map(({ Service, State, Health }) => `${Service} (${Health || State})`).join(', ');
    if (stopping || Date.now() > end) throw new Error(`not healthy: ${names}`);
    await sleep(2_000);
  }
}

function containers() {
  const { stdout } = spawnSync('docker', ['compose', 'ps', '--all', '--format', 'json'], { env, encoding: 'utf8', timeout: MINUTE });
  const text = stdout.trim();
  return text.startsWith('[')
    ? JSON.parse(text)
    : text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
}

async function jest(name, timeout = 10 * MINUTE) {
  const report = join(reports, `${name}.json`);
  const args = [join('node_modules', '.bin', 'jest'), '-c', 'jest.cluster.config.mjs', '--ci', '--json', `--outputFile=${report}`, name];
  await run(process.execPath, args, timeout).catch(() => undefined);
  const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
  if (numPassedTests === 0 || numPassedTests < numTotalTests)
    throw new Error(`${numTotalTests - numPassedTests} of ${numTotalTests} tests failed`);
  return { passed: numPassedTests };
}

function npm(command, ...args) {
  return run(process.execPath, ['tools/run.mjs', command, ...args], 10 * MINUTE);
}

function run(program, args, timeout, { quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'], env, timeout });
    child.on('error', reject);
    child.on('close', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${program} ${args.slice(0, 3).join(' ')}: ${signal ?? `exit ${code}`}`)),
    );
  });
}

function options() {
  try {
    const boolean = { type: 'boolean', default: false };
    return parseArgs({ options: { keep: boolean, all: boolean, help: boolean } }).values;
  } catch (error) {
    fail(`${error.message.split('. ')[0]}; see --help`);
  }
}

function fail(message) {
  console.error(`ballast: ${message}`);
  process.exit(1);
}
