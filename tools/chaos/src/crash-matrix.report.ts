import type { Origin } from './crash-matrix.origin.js';
import type { SeedResult } from './crash-matrix.run.js';
import { complaints, recoveriesOf } from './crash-matrix.verdict.js';

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
/** Nearest rank. */
const quantile = (sorted: readonly number[], q: number): number => sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)]!;

function rows(results: readonly SeedResult[]): { point: string; faults: number; missed: number; p50: string; max: string }[] {
  const points = new Map<string, SeedResult['faults']>();
  for (const fault of results.flatMap(({ faults }) => faults)) points.set(fault.point, [...(points.get(fault.point) ?? []), fault]);
  return [...points]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([point, faults]) => {
      const times = faults.flatMap(({ recovery }) => recovery ?? []).sort((a, b) => a - b);
      const reached = faults.filter((f) => f.reached).length;
      const shown = (q: number) => (times.length ? seconds(quantile(times, q)) : '-');
      return { point, faults: reached, missed: faults.length - reached, p50: shown(0.5), max: shown(1) };
    });
}

export function table(results: readonly SeedResult[]): string {
  const lines = rows(results).map(
    ({ point, faults, missed, p50, max }) =>
      `${point.padEnd(50)}${String(faults).padStart(7)}${String(missed).padStart(8)}${p50.padStart(10)}${max.padStart(10)}`,
  );
  return [
    `${'point'.padEnd(50)}${'faults'.padStart(7)}${'missed'.padStart(8)}${'p50'.padStart(10)}${'longest'.padStart(10)}`,
    ...lines,
  ].join('\n');
}

/** How soon killed services worked again. */
export function recovery(results: readonly SeedResult[]): string {
  const { times, late, unmeasured, killedAgain } = recoveriesOf(results);
  const measured = times.length
    ? `after ${seconds(quantile(times, 0.5))} (median), ${seconds(times.at(-1)!)} at most; ${late.length} of ${times.length} took longer than 10 s`
    : 'after no time that was measured';
  const rest = `${unmeasured} kills were not measured, since the next fault came before it had finished anything`;
  return `A killed service had finished its next piece of work (a message handled, a request answered) ${measured}. ${rest}${unmeasured && killedAgain ? ` (the next kill ${seconds(killedAgain)} later at most)` : ''}.`;
}

/** As a reader can type it again. */
const typed = (arg: string): string => (/^[\w./,=:@-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`);

export interface Ran {
  rate: number;
  atOnce: number;
  origin: Origin;
  slack?: number;
  /** Of the command, as they were given. */
  args?: readonly string[];
  /** How many were to be run. */
  seeds?: number;
}

export function matrixReport(
  results: readonly SeedResult[],
  { rate, atOnce, origin, slack = 1, args = [], seeds = results.length }: Ran,
): string {
  const sum = (of: (result: SeedResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const kind = (wanted: string) => sum(({ findings }) => findings.filter((f) => f.kind === wanted).length);
  const wrong = complaints(results, [], slack);
  return `# Crash matrix

Every service through which an order goes is killed (\`kill -9\`) at each named point where a crash hurts, and paused past its lease and its session, while
buyers check out with every kind of card and a merchant refunds and renames. Its supervisor starts it again. When all is quiet, the rows of every database, every record of
every topic and the processor's own books are compared: [what is compared](../../e2e/src/checker.evidence.ts), [how it is read](../../tools/chaos/src/crash-matrix.gather.ts).
Auth and the gateway are left alone: neither writes messages or knows of orders.

Written on ${origin.date} by \`${['npm run chaos -- crash-matrix', ...args.map(typed)].join(' ')}\` of commit \`${origin.commit}\`, with ${origin.versions}; [the decision behind it](../adr/0024-crash-matrix.md).${
    results.length < seeds ? `\nOf ${seeds} seeds the run ended after ${results.length}.` : ''
  }

| seeds | faults | accepted | confirmed | rejected | refunds | lost | doubled | reordered | late | otherwise wrong |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| ${results.length} | ${sum(({ faults }) => faults.filter((f) => f.reached).length)} | ${sum((r) => r.accepted)} | ${sum((r) => r.confirmed)} | ${sum((r) => r.rejected)} | ${sum((r) => r.refunds)} | ${kind('lost')} | ${kind('doubled')} | ${kind('reordered')} | ${recoveriesOf(results).late.length} | ${kind('wrong')} |

${recovery(results)} *Late* are those over 10 s: ${slack === 1 ? 'one' : `one over ${10 * slack} s`} is enough for the run to fail.
The time runs from the death of the process, or from when the message that it handled first was in its topic, if that was later: whoever writes it may have been dead as well. It
includes the start of the process, beside that of another service.
No outbox row waited longer than ${seconds(Math.max(0, ...results.map(({ waited }) => waited * 1_000)))} once all services ran again; 30 s are allowed.

${rate} checkouts a second were begun, whatever became of earlier ones, on ${origin.cores} cores (${origin.cpu}) that everything shares; at most ${atOnce} services were dead or
starting at the same time. *Rejected* are cards that the processor declines, half of them when the money is to be captured, after it was authorised.

${
  wrong.length
    ? `## What was found\n\n${wrong
        .slice(0, 50)
        .map((line) => `- ${line}`)
        .join('\n')}\n\n`
    : ''
}## By point

| point | faults | not reached | works again, p50 | longest |
| --- | ---: | ---: | ---: | ---: |
${rows(results)
  .map(({ point, faults, missed, p50, max }) => `| ${point} | ${faults} | ${missed} | ${p50} | ${max} |`)
  .join('\n')}
`;
}
