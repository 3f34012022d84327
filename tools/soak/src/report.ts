import { cpus, totalmem } from 'node:os';
import type { Sample } from './sample.js';
import { BUSINESS, growth, judge, type Verdict } from './verdict.js';

export interface Run {
  minutes: number;
  rate: number;
  retention: string;
  versions: string;
  date: string;
  accepted: number;
  /** Answers no caller should see, and load that was not begun because too much was at work. */
  broken: readonly string[];
  leftOut: number;
  /** Undefined while it runs. */
  audit?: readonly string[];
  samples: readonly Sample[];
}

const MB = 1024 * 1024;
const SMALL = 0.1 * MB;

/** Whether the whole run is as it must be. */
export const passed = ({ samples, audit, broken, leftOut }: Run): boolean =>
  audit?.length === 0 && broken.length === 0 && leftOut === 0 && judge(samples).every(({ flat }) => flat);

/** The run as a page of docs/benchmarks. */
export function report(run: Run): string {
  const { samples, audit } = run;
  const verdicts = judge(samples);
  const last = samples.at(-1)!;
  const shownOnes = verdicts.filter(({ flat, unit, to, what }) => !flat || unit !== 'bytes' || what.includes(' ') || to >= SMALL);
  const complaints = [
    ...(audit ?? ['the run was not finished: no audit']),
    ...(run.leftOut ? [`${run.leftOut} checkouts were not begun, too much was at work`] : []),
    ...run.broken.slice(0, 10),
  ];
  return `# Soak

\`npm run soak -- --minutes ${run.minutes}\`: the whole platform under a steady load, one checkout in ten declined. Written by the run itself.

![what grew and what did not](soak.svg)

| | |
| --- | --- |
| verdict | ${passed(run) ? '**flat**' : '**not flat**'}${samples.length < 60 ? ' (a run of 20 minutes says something, a shorter one shows that the tool works)' : ''} |
| run | ${run.date}, ${Math.round(last.at / 6) / 10} minutes, ${run.rate} checkouts a second asked for (open loop), ${run.accepted} accepted |
| kept for | ${run.retention} (by default days) |
| machine | ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 1024 / MB)} GB |
| versions | ${run.versions} |
| checkout, whole run | p50 ${Math.round(middle(samples.map(({ latency }) => latency.p50)))} ms, p99 ${Math.round(middle(samples.map(({ latency }) => latency.p99)))} ms (medians of 10 s windows) |
| books | ${complaints.length ? complaints.map((line) => line.replaceAll('|', '/')).join('; ') : 'every accepted order ended, captures = confirmed orders here and at the processor, debits = credits, no dead letter'} |

Judged is the second half of the run: medians of its first third against its last. By then what is pruned has gone round at least once.
A table may grow by a tenth, since it is pruned and vacuumed once a minute, or by half a megabyte, as small tables grow by pages; a process by
a twelfth or 8 MB, about what two garbage collections differ by. Of a heap the least of each third counts: what is left after a collection.

| what | then | in the end | may grow by | |
| --- | ---: | ---: | --- | --- |
${shownOnes.map((v) => `| ${v.what} | ${shown(v, v.from)} | ${shown(v, v.to)} | ${v.bound} | ${v.flat ? 'flat' : '**not flat**'} |`).join('\n')}

${verdicts.length - shownOnes.length} more tables take less than 0.1 MB each, and are flat.

These grow with the business, by so much an order (indexes included, over the second half):

| table | holds | rows in the end | bytes an order |
| --- | --- | ---: | ---: |
${growth(samples)
  .map(({ table, perOrder, rows }) => `| ${table} | ${BUSINESS[table]} | ${rows} | ${Math.round(perOrder)} |`)
  .join('\n')}
`;
}

const shown = ({ unit }: Verdict, value: number): string =>
  unit === 'bytes' ? `${(value / MB).toFixed(value < 10 * MB ? 2 : 0)} MB` : `${Math.round(value)}${unit === 'ms' ? ' ms' : ''}`;

const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
