import type { Experiment, Goals } from './experiment.js';
import { longestWait } from './hold.js';
import { goalOf, nameOf, valueOf } from './plot.js';
import { asExpected, type Run } from './results.js';
import { seconds, type Trial } from './verdict.js';

const MISSES_SHOWN = 12;

/** What is not known: the data were taken before it was kept. */
const UNKNOWN = '–';

const EACH = `*Recovery*, *longest gap* and *slowest order* are what the table above takes its times from. *Acknowledged* are the checkouts of the trial; a turn *without a free buyer*
asked for none, since every buyer it met still had an order on its way. A broker *coordinates* the groups named, of those through which sagas go. *Steady again* is from the end of
the rollback. *Not held meanwhile* is for how long parts of the steady state did not hold between calm and the end of the
trial: *checkouts*, none was acknowledged for longer than the experiment allows; *orders*, one was older than it allows and not final. No goal is about it.`;

/** Of an experiment, what a run may have been unlike. */
type Declared = Pick<Experiment, 'load' | 'trials' | 'method' | 'goals'>;

/**
 * All results as the page of docs/drills.
 *
 * @param experiments as they are now: a run that was another one than its experiment says so
 */
export function report(runs: readonly Run[], experiments: ReadonlyMap<string, Declared>): string {
  const declared = (run: Run) => experiments.get(run.experiment);
  const [kept, without] = [runs.filter((run) => !run.without), runs.filter((run) => run.without)];
  return `# Drills

What happens to the cluster (compose profile \`ha\`) when a part of it goes, under open-loop load through both gateways. Written by \`npm run chaos -- NAME\`
from [data/](data), one line per trial; the last run of each counts. What each does is in [infra/chaos](../../infra/chaos), how to run and to write one in [the guide](../guides/chaos.md).

![times to recover](recovery.svg)

| experiment | trials | load | goal | p50 | longest | bare writer, longest | slowest order | lost | failed requests | verdict |
| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |
${kept.map((run) => line(run, declared(run))).join('\n')}

- *Load* is how many checkouts a second were asked for. In parentheses after it, after the trials and after a *longest wait* is what the experiment says where that
  is something else. *Slack N*: times that are judged may have been N times as long as it says.
- Times are from the fault to the first acknowledgement of a checkout that was asked for after it, or the longest later time without one, whichever is more; where
  the goal is about sagas, the longest that an order waited for its end. A kill inside a container is timed there; any other fault from before its command is given.
- The bare writer commits single rows on whichever server takes them.
- *Lost* counts acknowledged orders and acknowledged bare rows that are not there in the end.
- *Failed requests* are all that were not answered as wished (409 while a buyer's last order is on its way apart), each time that a buyer asks again; *refused* means 503 with a
  problem document and \`Retry-After\`. A buyer whose gateway is gone, or is lost before it answers, sends the request again at the other one, if it was never sent or may be
  repeated: of those only the last answer counts, and each run says how many there were.
${without.length ? withoutTable(without, declared) : ''}
## Where

${machines(runs)}

## Each run

${EACH}

${runs.map((run) => details(run, declared(run))).join('\n\n')}
`;
}

function line(run: Run, declared: Declared | undefined): string {
  const { trials, audit, goals, load } = run;
  const values = trials.map((trial) => valueOf(run, trial) ?? Infinity).sort((a, b) => a - b);
  const longest = (of: (trial: Trial) => number | undefined) => shown(Math.max(...trials.map((trial) => of(trial) ?? Infinity)));
  const lost = audit.lostWrites + audit.differences.filter((each) => each.endsWith('not there')).length;
  const goal = goalOf(run);
  const cells = [
    `[${nameOf(run)}](#${anchor(nameOf(run))})${waited(run, declared)}`,
    `${trials.length}${unlike(trials.length, declared?.trials)}`,
    `${load.rate}/s${unlike(load.rate, declared?.load.rate)}`,
    (goal === undefined ? goalsOf(goals) : atMost(goal) + unlessCoordinator(goals.sagasWhenCoordinator)) + relaxed(run),
    shown(values[Math.floor(values.length / 2)]),
    shown(values.at(-1)),
    longest(({ writer }) => writer),
    longest(({ sagas }) => sagas),
    `${lost} of ${run.accepted + run.written}`,
    failedOf(run),
    verdict(run),
  ];
  return `| ${cells.join(' | ')} |`;
}

const verdict = (run: Run): string =>
  asExpected(run) ? '**holds**' : `**missed**: ${[...new Set(run.misses.map(({ goal }) => goal))].join(', ')}`;

function withoutTable(runs: readonly Run[], declared: (run: Run) => Declared | undefined): string {
  const rows = runs.map((run) => {
    const missed = [...new Set(run.misses.map(({ goal }) => goal))].join(', ') || 'nothing';
    return `| ${run.experiment}${waited(run, declared(run))}${relaxed(run)} | ${run.without!.what} | ${missed} | ${asExpected(run) ? 'yes' : `**no**: ${run.without!.unnoticed.join(', ')} held`} |`;
  });
  return `
The same with a safeguard off, which each drill has to notice:

| experiment | what was taken away | missed then | noticed |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

/** What the experiment says, where the run was another one. An experiment that is gone says nothing. */
const unlike = (was: number, declared: number | undefined, by = '', show: (value: number) => string = String): string =>
  declared === undefined || declared === was ? '' : ` (${by}${show(declared)})`;
const SAYS = 'the experiment says ';

const waited = ({ hold }: Run, declared: Declared | undefined, by?: string): string =>
  hold === undefined ? '' : `, longest wait ${seconds(hold)}${unlike(hold, declared && longestWait(declared), by, seconds)}`;
const relaxed = ({ slack }: Run): string => (slack === undefined ? '' : `, slack ${slack}`);

/** Of all trials; one that did not count them makes the sum unknown. */
function resentIn(trials: readonly Trial[]): number | string {
  const counts = trials.map(({ resent }) => resent);
  return counts.includes(undefined) ? UNKNOWN : (counts as number[]).reduce((sum, n) => sum + n, 0);
}

function details(run: Run, declared: Declared | undefined): string {
  const { trials, misses, audit, load, without } = run;
  const { code } = run.machine;
  const said = unlike(load.rate, declared?.load.rate, SAYS);
  // Without a safeguard one is enough, whatever the experiment says.
  const fewer = without ? '' : unlike(trials.length, declared?.trials, SAYS);
  const listed = (title: string, items: readonly string[]) => (items.length ? [title, items.map((item) => `- ${item}`).join('\n')] : []);
  const missed = misses.slice(0, MISSES_SHOWN).map(({ goal, why }) => `${goal}: ${why}`);
  if (misses.length > MISSES_SHOWN) missed.push(`${misses.length - MISSES_SHOWN} more`);
  return [
    `### ${nameOf(run)}`,
    `${run.title}${waited(run, declared, SAYS)}${without ? `, without: ${without.what}` : ''}.`,
    [
      `- ${run.at.slice(0, 16).replace('T', ' ')} UTC; the machine's load average before it began was ${run.loadBefore.toFixed(1)}`,
      `- code: ${code ? `${code.commit} of ${code.date.slice(0, 10)}` : UNKNOWN}`,
      `- ${load.rate} checkouts a second asked for${said}, by ${load.buyers} buyers; ${run.accepted} acknowledged, ${run.written} bare rows`,
      ...(fewer ? [`- trials: ${trials.length}${fewer}`] : []),
      `- lost at a gateway and sent again: ${resentIn(trials)}`,
      `- goals: ${goalsOf(run.goals)}${relaxed(run)}${run.slack && declared ? ` (${SAYS}${goalsOf(declared.goals)})` : ''}`,
    ].join('\n'),
    ...listed(without && asExpected(run) ? 'Missed, as it has to be:' : 'Missed:', missed),
    ...(audit.differences.length ? [] : ['The books agree: every acknowledged order CONFIRMED, paid and shipped once.']),
    [TRIALS, ...trials.map(row)].join('\n'),
    ...listed(
      'Seen:',
      trials.flatMap(({ trial, notes }) => notes.map((note) => `trial ${trial}: ${note}`)),
    ),
    ...listed(
      'Failed requests:',
      Object.entries(failures(run)).map(([kind, n]) => `${n} × ${kind}`),
    ),
  ].join('\n\n');
}

const TRIALS = `| trial | targets | recovery | longest gap | bare writer | slowest order | acknowledged | failovers | steady again | not held meanwhile |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |`;

function row({ trial, targets, coordinates, recovery, gap, writer, sagas, acknowledged, unserved, failovers, back, violated }: Trial) {
  const cells = [
    trial,
    targets.join(', ') + (coordinates.length ? ` (coordinates ${coordinates.join(', ')})` : ''),
    ...[recovery, gap, writer, sagas].map(shown),
    acknowledged + (unserved ? `, and ${unserved} without a free buyer` : ''),
    failovers ?? 'unknown',
    shown(back),
    Object.entries(violated)
      .map(([what, ms]) => `${SHORT[what] ?? what} ${seconds(ms)}`)
      .join(', ') || 'nothing',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Of what steady.ts says of the shop. */
const SHORT: Record<string, string> = { 'checkouts are not acknowledged': 'checkouts', 'orders do not end': 'orders' };

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

export function goalsOf({ sagasWhenCoordinator, ...goals }: Goals): string {
  return Object.entries(goals)
    .map(([goal, limit]) => {
      if (goal !== 'recovery' && goal !== 'sagas') return `${goal}: ${limit}`;
      return `${goal} ${atMost(Number(limit))}${goal === 'sagas' ? unlessCoordinator(sagasWhenCoordinator) : ''}`;
    })
    .join(', ');
}
const atMost = (ms: number): string => `≤ ${seconds(ms)}`;
const unlessCoordinator = (ms: number | undefined): string => (ms === undefined ? '' : ` (${seconds(ms)} for a coordinator)`);

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

const shown = (ms: number | undefined): string => (ms === undefined || ms === Infinity ? 'never' : seconds(ms));
const anchor = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
