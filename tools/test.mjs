/**
 * `npm test`: everything a change must pass, on real Postgres and real Kafka; `-- --with-drills` adds what takes a platform's
 * foundations away for a while, some minutes more. `npm run test:integration -- libs/saga` runs one step, with arguments for Jest. Steps run one after the other on purpose: two cores are soon full, and a test that
 * shares them with a compiler waits for nothing but the compiler. Ends with a table and, alone on a line, `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingForAlerts, missingForKafka } from './setup/tools.mjs';

const bin = (name) => join('node_modules', '.bin', name);
const reports = mkdtempSync(join(tmpdir(), 'ballast-test-'));
// However it ends, by Ctrl-C too.
process.on('exit', () => rmSync(reports, { recursive: true, force: true }));
for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15 })) process.once(signal, () => process.exit(128 + number));
const WITH_DRILLS = '--with-drills';
const withDrills = process.argv.includes(WITH_DRILLS);
const [only, ...extra] = process.argv.slice(2).filter((argument) => argument !== WITH_DRILLS);
const jest = (name, config) => [bin('jest'), '-c', config, '--ci', '--json', `--outputFile=${join(reports, `${name}.json`)}`, ...extra];

const STEPS = [
  { key: 'graph', name: 'project graph', run: [bin('nx'), 'show', 'projects'], quiet: true },
  { key: 'lint', name: 'module boundaries and lint', run: [bin('eslint'), '.', '--max-warnings', '0'] },
  { key: 'format', name: 'formatting', run: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  // Compiles too: what runs as processes of its own in the tests below is what was just compiled.
  {
    key: 'types',
    name: 'types',
    run: [process.execPath, join('node_modules', 'typescript-native', 'bin', 'tsc'), '-b', '--stopBuildOnErrors', 'tsconfig.json'],
  },
  { key: 'unit', name: 'unit tests', run: jest('unit', 'jest.config.mjs'), tests: true },
  { key: 'integration', name: 'integration tests (Postgres, Kafka)', run: jest('integration', 'jest.integration.config.mjs'), tests: true },
  { key: 'e2e', name: 'end-to-end tests (the whole platform)', run: jest('e2e', 'jest.e2e.config.mjs'), tests: true },
  { key: 'drills', name: 'drills (outages, failover, restarts)', run: jest('drills', 'jest.drills.config.mjs'), tests: true },
];

const steps = only
  ? STEPS.filter(({ key }) => key === only || (key === 'types' && only !== 'unit'))
  : STEPS.filter(({ key }) => key !== 'drills' || withDrills);
if (only && !STEPS.some(({ key }) => key === only)) fail(`there is no step "${only}": one of ${STEPS.map(({ key }) => key).join(', ')}`);
const noKafka = only === 'unit' ? undefined : missingForKafka();
if (noKafka) fail(`${noKafka}: the integration and crash tests start, stop and kill a Kafka of their own`);
// With arguments for Jest other tests may be meant; that of the alerts says the same by itself.
const noAlerts = !only || (only === 'integration' && extra.length === 0) ? missingForAlerts() : undefined;
if (noAlerts) fail(`${noAlerts}: the integration tests try each alert`);

const results = [];
for (const step of steps) {
  console.log(`\n── ${step.name} ${'─'.repeat(Math.max(0, 70 - step.name.length))}`);
  const start = performance.now();
  const code = await run(step);
  results.push({ step, seconds: (performance.now() - start) / 1000, ...outcome(step, code) });
  if (step.key === 'types' && code !== 0) {
    console.error('what does not compile is not tested');
    break;
  }
}

console.log(`\n${'step'.padEnd(42)}${'seconds'.padStart(9)}${'passed'.padStart(9)}${'failed'.padStart(9)}`);
for (const { step, seconds, passed, failed } of results)
  console.log(step.name.padEnd(42) + seconds.toFixed(1).padStart(9) + String(passed).padStart(9) + String(failed).padStart(9));
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
console.log(`${'together'.padEnd(42)}${sum('seconds').toFixed(1).padStart(9)}\n`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') ? 1 : 0;

function run({ run: [program, ...args], quiet }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'],
      env: { ...process.env, NX_DAEMON: 'false', NODE_ENV: 'test' },
    });
    child.on('error', (error) => resolve(console.error(`${program} cannot be started: ${error.message}`) ?? 1));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Jest counts its tests; a run that broke before its report, a skipped test, or a run of no test, is a failure too. */
function outcome({ key, tests }, code) {
  if (!tests) return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
  try {
    const report = JSON.parse(readFileSync(join(reports, `${key}.json`), 'utf8'));
    // A name given with `-t` leaves the others out on purpose.
    const skipped = extra.length ? 0 : report.numPendingTests + report.numTodoTests;
    const failed = report.numFailedTests + skipped;
    const broken = failed === 0 && (code !== 0 || report.numPassedTests === 0) ? Math.max(1, report.numFailedTestSuites) : 0;
    return { passed: report.numPassedTests, failed: failed + broken };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

function fail(message) {
  console.error(`ballast: ${message}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}
