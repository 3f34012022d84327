import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ClusterError, type Home, messageOf, openHome, readManifests, readPrivate, readRun, type RunFile } from '@ballast/cluster';
import type { Login } from './status-postgres.js';
import { statusReport } from './status-report.js';
import { statusTable } from './status-table.js';

const help = `Usage: npm run status [-- options]

  What runs and how it is; exit 1 when something is down or not ready.
  outbox: messages to be sent (age of the oldest) · lag: messages to be read · dead: open dead letters · sagas: unfinished ones

  --json             for programs
  --home DIRECTORY   of a platform that keeps its data elsewhere than in .ballast
  --help`;

async function main(): Promise<void> {
  const { values } = parse(process.argv.slice(2));
  if (values.help) return console.log(help);
  const home = openHome(values.home);
  const run = readRun(home.run);
  if (!run) throw new ClusterError(nothingRuns(home));
  if (!run.gateway) throw new ClusterError(`The platform is still starting (pid ${run.pid})`);
  const report = await statusReport({ ...run, gateway: run.gateway }, await loginOf(home, run));
  console.log(values.json ? JSON.stringify(report, null, 2) : statusTable(report));
  process.exitCode = report.trouble.length > 0 ? 1 : 0;
}

function nothingRuns({ run }: Home): string {
  const advice = 'start it with npm start, or with npm run dev';
  if (!existsSync(run)) return `Nothing runs: ${advice}`;
  const { pid } = readPrivate<RunFile>(run);
  return `Nothing runs: the starter (pid ${pid}) was killed, and what it started stops by itself; ${advice}`;
}

/** The login of the first service that has a database. */
async function loginOf(home: Home, run: RunFile): Promise<Login | undefined> {
  const withDatabase = (await readManifests()).find(({ name, database }) => database && name in run.services);
  if (!withDatabase) return undefined;
  const { name } = withDatabase;
  const password = readPrivate<Record<string, string>>(home.secrets)[`${name}DatabasePassword`];
  return password === undefined ? undefined : { database: name, user: name, password };
}

function parse(args: readonly string[]) {
  try {
    const options = { json: { type: 'boolean' }, home: { type: 'string' }, help: { type: 'boolean' } } as const;
    return parseArgs({ args: [...args], options });
  } catch (error) {
    throw new ClusterError(`${messageOf(error).split('. ')[0]}; see --help`, { cause: error });
  }
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
