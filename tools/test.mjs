/**
 * `npm test`: everything a change must pass, on real Postgres and real Kafka. Steps run one after the other on purpose: two
 * cores are soon full, and a test that shares them with a compiler waits for nothing but the compiler.
 * Ends with a table and, alone on a line, `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const bin = (name) => join('node_modules', '.bin', name);
const reports = mkdtempSync(join(tmpdir(), 'ballast-test-'));
const jest = (name, ...args) => [bin('jest'), ...args, '--ci', '--json', `--outputFile=${join(reports, name)}.json`];

const STEPS = [
  { name: 'project graph', run: [bin('nx'), 'show', 'projects'], quiet: true },
  { name: 'module boundaries and lint', run: [bin('eslint'), '.', '--max-warnings', '0'] },
  { name: 'formatting', run: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { name: 'types', run: [process.execPath, join('node_modules', 'typescript-native', 'bin', 'tsc'), '-b', 'tsconfig.json'] },
  { name: 'unit tests', run: jest('unit'), report: 'unit' },
  { name: 'integration tests (Postgres, Kafka)', run: jest('integration', '-c', 'jest.integration.config.mjs'), report: 'integration' },
  { name: 'end-to-end tests (the whole platform)', run: jest('e2e', '-c', 'jest.e2e.config.mjs'), report: 'e2e' },
  { name: 'drills (outages, failover, restarts)', run: jest('drills', '-c', 'jest.drills.config.mjs'), report: 'drills' },
];

const results = [];
for (const step of STEPS) {
  console.log(`\n── ${step.name} ${'─'.repeat(Math.max(0, 70 - step.name.length))}`);
  const start = performance.now();
  const code = await run(step);
  results.push({ step, seconds: (performance.now() - start) / 1000, ...outcome(step, code) });
}
rmSync(reports, { recursive: true, force: true });

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
function outcome(step, code) {
  if (!step.report) return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(join(reports, `${step.report}.json`), 'utf8'),
    );
    const failed = numFailedTests + numPendingTests + numTodoTests;
    const broken = failed === 0 && (code !== 0 || numPassedTests === 0) ? Math.max(1, numFailedTestSuites) : 0;
    return { passed: numPassedTests, failed: failed + broken };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
