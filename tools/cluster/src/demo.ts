import { ClusterError, messageOf } from './errors.js';
import { openHome } from './home.js';
import { demoHelp, parseDemo } from './options.js';
import { buy } from './purchase.js';
import { readRun } from './run-file.js';
import { readPrivate } from './secrets.js';
import type { Accounts } from './seed.js';
import { timelineOf } from './summary.js';

/** `npm run demo`: buys one basket at the platform that runs, and shows the order's steps. */
async function main(): Promise<void> {
  const { help, token, home: directory } = parseDemo(process.argv.slice(2));
  if (help) return console.log(demoHelp);
  const home = openHome(directory);
  const run = readRun(home.run);
  if (!run) throw new ClusterError('Nothing runs: start the platform with npm start first');
  if (!run.gateway) throw new ClusterError('The platform is still starting: wait until npm start says it is up');
  const { buyer } = readPrivate<Accounts>(home.credentials);
  console.log(timelineOf(await buy(run.gateway, buyer, token)));
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
