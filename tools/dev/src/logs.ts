import { existsSync } from 'node:fs';
import { ClusterError, messageOf, openHome } from '@ballast/cluster';
import { follow, LogReader } from './log-follow.js';
import { formatEntry } from './log-format.js';
import { logFiles, logNames, serviceNames } from './log-sources.js';
import { logsHelp, parseLogs } from './logs-options.js';

/** `npm run logs`: what services wrote, as one stream in order of time. */
async function main(): Promise<void> {
  const options = parseLogs(process.argv.slice(2));
  if (options.help) return console.log(logsHelp);
  if (options.names.length === 0) throw new ClusterError(`Say whose: npm run logs -- ${serviceNames().join(' | ')} | all; see --help`);
  const files = logFiles(logNames(options.names), openHome(options.home));
  if (!options.follow && !files.some(({ path }) => existsSync(path))) {
    throw new ClusterError(`There are no logs of ${options.names.join(', ')} yet: they come with npm start`);
  }

  // Whoever reads us, such as head, may have enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const style = { json: options.json, colour: process.stdout.isTTY };
  const hand = (entry: Parameters<typeof options.wanted>[0]) => {
    if (options.wanted(entry)) console.log(formatEntry(entry, style));
  };
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const reader = new LogReader(files);
  if (options.follow) await follow(reader, stopping.signal, hand);
  else for await (const entry of reader.entries()) hand(entry);
  await reader.close();
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
