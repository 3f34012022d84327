import { availableParallelism } from 'node:os';
import { type Cluster, type SupervisedService, messageOf, parseStart, runInForeground } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';
import { Compiler } from './compiler.js';
import { devHelp, takeLogs } from './dev-options.js';
import { eventLines, restartNote } from './event-lines.js';
import { fingerprintOf } from './fingerprint.js';
import { readGraph } from './graph.js';
import { inspectorLines } from './inspectors.js';
import { followLogs } from './log-follow.js';
import { logFiles, logNames } from './log-sources.js';
import { Reloader } from './reloader.js';
import type { Replaceable } from './service-reload.js';
import { watchSources } from './watcher.js';

/** `npm run dev`: the platform as `npm start` has it, with an inspector per service, and every edit served after a moment. */
async function main(): Promise<void> {
  const { logs, rest } = takeLogs(process.argv.slice(2));
  const { help, options } = parseStart(rest, process.env);
  if (help) return console.log(devHelp);
  const names = logNames(logs);
  // Who develops would wait for idle connections at each restart.
  const env = { '*': { SHUTDOWN_GRACE_MS: '0' } };
  await runInForeground({ ...options, env, inspect: true }, async (cluster) => {
    console.log(`${await inspectorLines(options.portOffset ?? 0)}\n`);
    const reloading = await reloadOnChange(cluster);
    const following = followLogs(logFiles(names, cluster.home), { print: console.log });
    console.log('Edits in apps/ and libs/ are served again by themselves; tools/ is read at the start. Ctrl-C stops everything.\n');
    return {
      async stop() {
        following.stop();
        await reloading.stop();
      },
    };
  });
}

async function reloadOnChange(cluster: Cluster): Promise<{ stop(): Promise<void> }> {
  const root = workspaceRoot();
  const compiler = new Compiler(root);
  const services = [...cluster.services.values()];
  const names = services.map(({ name }) => name);
  const reloader = new Reloader({
    processes: processesOf(services),
    compile: () => compiler.compile(),
    distrust: (file, project) => compiler.distrust(file, project),
    readGraph: () => readGraph(root),
    fingerprint: (projects) => fingerprintOf(root, projects),
    atOnce: Math.max(2, availableParallelism()),
    tell: (event) => eventLines(event).forEach((line) => console.log(line)),
  });
  const watcher = await watchSources(root, (files) => {
    for (const note of files.map((file) => restartNote(file, names))) if (note) console.log(note);
    reloader.changed(files);
  });
  reloader.begin();
  return {
    async stop() {
      await watcher.close();
      compiler.stop();
      await reloader.stop();
    },
  };
}

/** Without Kafka all services share one process: what is done to one of them is done to all. */
function processesOf(services: readonly SupervisedService[]): Replaceable[] {
  const byPid = new Map<number | undefined, SupervisedService[]>();
  for (const service of services) byPid.set(service.pid, [...(byPid.get(service.pid) ?? []), service]);
  return [...byPid.values()].map((members) => ({
    name: members.length > 1 ? 'services' : members[0]!.name,
    services: members.map(({ name }) => name),
    replace: (options) => members[0]!.replace(options),
  }));
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
