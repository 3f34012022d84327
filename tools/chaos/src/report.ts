import type { Goals } from './experiment.js';
import { goalOf, nameOf, valueOf } from './plot.js';
import { asExpected, type Run } from './results.js';
import { seconds } from './verdict.js';

/** All results as the page of docs/drills. */
export function report(runs: readonly Run[]): string {
  const [kept, without] = [runs.filter((run) => !run.without), runs.filter((run) => run.without)];
  return `# Drills

What happens to the cluster (compose profile \`ha\`) when a part of it goes, under open-loop load through both gateways. Written by \`npm run chaos -- NAME\`
from [data/](data), one line per trial; the last run of each counts. What each does is in [infra/chaos](../../infra/chaos), how to run and to write one in [the guide](../guides/chaos.md).

![times to recover](recovery.svg)

| experiment | trials | goal | p50 | longest | bare writer, longest | slowest order | lost | failed requests | verdict |
| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |
${kept.map(line).join('\n')}

Times are from the fault to the first acknowledgement of a checkout that was asked for after it, or the longest later time without one, whichever is more; where
the goal is about sagas, the longest that an order waited for its end. The bare writer commits single rows on whichever server takes them. A kill inside a container is
timed there; any other fault from before its command is given. *Lost* counts acknowledged orders and acknowledged bare rows that are not there in the end. Failed requests are all that were not answered as wished
(409 while a buyer's last order is on its way apart), repeated ones included; *refused* means 503 with a problem document and \`Retry-After\`.
${without.length ? withoutTable(without) : ''}
## Where

${machines(runs)}

## Each run
${runs.map(details).join('\n')}`;
}

function line(run: Run): string {
  const values = run.trials.map((trial) => valueOf(run, trial) ?? Infinity).sort((a, b) => a - b);
  const most = (of: (trial: Run['trials'][number]) => number | undefined) =>
    seconds(Math.max(...run.trials.map((trial) => of(trial) ?? Infinity)));
  const lost = run.audit.lostWrites + run.audit.differences.filter((each) => each.endsWith('not there')).length;
  const goal = goalOf(run);
  return `| [${nameOf(run)}](#${anchor(nameOf(run))}) | ${run.trials.length} | ${goal === undefined ? goalsOf(run.goals) : `≤ ${seconds(goal)}`} | ${seconds(values[Math.floor(values.length / 2)] ?? 0)} | ${seconds(values.at(-1) ?? 0)} | ${most(({ writer }) => writer)} | ${most(({ sagas }) => sagas)} | ${lost} of ${run.accepted + run.written} | ${failedOf(run)} | ${verdict(run)} |`;
}

const verdict = (run: Run): string =>
  asExpected(run) ? '**holds**' : `**missed**: ${[...new Set(run.misses.map(({ goal }) => goal))].join(', ')}`;

function withoutTable(runs: readonly Run[]): string {
  const rows = runs.map((run) => {
    const missed = [...new Set(run.misses.map(({ goal }) => goal))].join(', ') || 'nothing';
    return `| ${run.experiment} | ${run.without!.what} | ${missed} | ${asExpected(run) ? 'yes' : `**no**: ${run.without!.unnoticed.join(', ')} held`} |`;
  });
  return `
The same with a safeguard off, which each drill has to notice:

| experiment | what was taken away | missed then | noticed |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function details(run: Run): string {
  const { trials, misses, audit, load } = run;
  const kinds = Object.entries(failures(run)).map(([kind, n]) => `- ${n} × ${kind}`);
  const rows = trials.map(
    (trial) =>
      `| ${trial.trial} | ${trial.targets.join(', ')} | ${shown(trial.recovery)} | ${shown(trial.gap)} | ${shown(trial.writer)} | ${shown(trial.sagas)} | ${trial.acknowledged} | ${trial.failovers} | ${shown(trial.back)} |`,
  );
  return `
### ${nameOf(run)}

${run.title}${run.without ? `, without: ${run.without.what}` : ''}. ${run.at.slice(0, 16).replace('T', ' ')} UTC, ${load.rate} checkouts a second asked for, ${run.accepted} acknowledged, ${run.written} bare rows; the machine's load average before it began was ${run.loadBefore.toFixed(1)}. Goals: ${goalsOf(run.goals)}.
${
  misses.length
    ? `\nMissed:\n${misses
        .slice(0, 12)
        .map(({ goal, why }) => `- ${goal}: ${why}`)
        .join('\n')}\n`
    : ''
}${audit.differences.length ? '' : '\nThe books agree: every acknowledged order CONFIRMED, paid and shipped once.\n'}
| trial | targets | recovery | longest gap | bare writer | slowest order | acknowledged | failovers | steady again |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}
${kinds.length ? `\nFailed requests:\n\n${kinds.join('\n')}\n` : ''}`;
}

function machines(runs: readonly Run[]): string {
  const texts = new Map<string, string[]>();
  for (const run of runs) {
    const { cores, cpu, memoryGb, versions, standIns } = run.machine;
    const all = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
    const images = standIns.length
      ? `on **stand-ins**, made on the machine, for the published images of ${standIns.join(', ')}`
      : 'on the published base images';
    const text = `${cores} cores (${cpu}), ${memoryGb} GB, shared by everything: the whole cluster, its load and what measures it; ${all.join(', ')}; ${images}`;
    texts.set(text, [...(texts.get(text) ?? []), nameOf(run)]);
  }
  return [...texts].map(([text, names]) => `${text}${texts.size > 1 ? `: ${names.join(', ')}` : ''}.`).join('\n\n');
}

export function goalsOf(goals: Goals): string {
  return Object.entries(goals)
    .map(([goal, limit]) => (goal === 'recovery' || goal === 'sagas' ? `${goal} ≤ ${seconds(Number(limit))}` : `${goal}: ${limit}`))
    .join(', ');
}

function failures({ trials }: Run): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { failed } of trials) for (const [kind, n] of Object.entries(failed)) sum[kind] = (sum[kind] ?? 0) + n;
  return sum;
}

function failedOf(run: Run): string {
  const all = Object.values(failures(run)).reduce((sum, n) => sum + n, 0);
  const rude = run.trials.reduce((sum, trial) => sum + trial.rude, 0);
  return all ? `${all - rude} refused${rude ? `, **${rude} otherwise**` : ''}` : 'none';
}

const shown = (ms: number | undefined): string => (ms === undefined ? 'never' : seconds(ms));
const anchor = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
