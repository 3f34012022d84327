/** The programs that tests need and npm does not bring: asked for before the first step, not found out after minutes. */
import { spawnSync } from 'node:child_process';

const OLDEST = 17;

/** What is missing to run a Kafka of one's own, as a sentence; undefined when Java and Maven are there. */
export function missingForKafka() {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = Number(/version "(?:1\.)?(\d+)/.exec(`${java.stderr}${java.stdout}`)?.[1]);
  if (java.error || !version) return `npm test needs Java ${OLDEST} or newer, and there is none on the PATH`;
  if (version < OLDEST) return `npm test needs Java ${OLDEST} or newer, and this is Java ${version}`;
  if (spawnSync('mvn', ['-v']).error) return 'npm test needs Maven (mvn), and there is none on the PATH';
  return undefined;
}

/** What is missing to try the alerts, as a sentence; undefined when promtool and amtool are there, or Docker, which has both in images. */
export function missingForAlerts() {
  const answers = (program, ...args) => spawnSync(program, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
  const packages = { promtool: 'prometheus', amtool: 'prometheus-alertmanager' };
  const missing = Object.keys(packages).filter((program) => !answers(program, '--version'));
  if (missing.length === 0 || answers('docker', 'info', '--format', '{{.ServerVersion}}')) return undefined;
  const named = missing.map((program) => `${program} (of the package ${packages[program]})`).join(' and ');
  return `npm test needs ${named}, or Docker, and neither answers`;
}
