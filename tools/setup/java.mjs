import { spawnSync } from 'node:child_process';

const OLDEST = 17;

/** What is missing to run a Kafka of one's own, as a sentence; undefined when Java and Maven are there. */
export function missingTools() {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = Number(/version "(?:1\.)?(\d+)/.exec(`${java.stderr}${java.stdout}`)?.[1]);
  if (java.error || !version) return `npm test needs Java ${OLDEST} or newer, and there is none on the PATH`;
  if (version < OLDEST) return `npm test needs Java ${OLDEST} or newer, and this is Java ${version}`;
  if (spawnSync('mvn', ['-v']).error) return 'npm test needs Maven (mvn), and there is none on the PATH';
  return undefined;
}
