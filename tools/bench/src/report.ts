import { type Curve, type Measure, median, met, ratio, type Result } from './figures.js';
import { type Machine, QUIET } from './machine.js';
import { shown } from './rounds.js';

export interface Run {
  machine: Machine;
  date: string;
  rounds: number;
  result: Result;
}

/** Below the figures, where one missed its goal. */
const WHY_MISSED = '\nWhy a goal is missed: [0026](../adr/0026-benchmarks.md).\n';

/** A result as a page of docs/benchmarks: written by the tool alone. */
export function report({ machine, date, rounds, result }: Run): string {
  const { name, about, measures, curves, notes, lost, seconds } = result;
  return `# Benchmark: ${name}

\`npm run bench -- ${name}${rounds === 7 ? '' : ` --rounds ${rounds}`}\`. ${about}

![both sides of each measure](${name}.svg)

| measure | | median | lowest to highest | ratio | goal |
| --- | --- | ---: | ---: | ---: | --- |
${measures.flatMap(rowsOf).join('\n')}

A ratio is the median of the rounds' own ratios, since both sides of a round met the same machine.
${measures.some((measure) => met(measure) === false) ? WHY_MISSED : ''}${curves.map(tableOf).join('')}
| | |
| --- | --- |
| lost | ${lost} |
| run | ${date}, ${rounds} rounds of each side in turns after one that warms up, ${Math.round(seconds)} s |
| machine | ${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB, load ${machine.loadBefore.toFixed(1)} before the run${machine.loadBefore > QUIET ? ': **not quiet, so provisional**' : ''} |
| disk | ${Math.round(machine.fdatasyncs).toLocaleString('en')} fdatasync/s of 8 KB |
| versions | ${machine.versions} |
| durability | \`fsync\`, \`synchronous_commit\` and \`full_page_writes\` on, \`acks=all\`, one broker |
${notes.map((note) => `\n${note}\n`).join('')}`;
}

function rowsOf(measure: Measure): string[] {
  const { what, unit, ours, theirs, goal } = measure;
  const value = ratio(measure);
  const row = (first: string, { name, values }: { name: string; values: number[] }, last: string) =>
    `| ${first} | ${name === what ? '' : name} | ${shown(median(values))}${unit && ` ${unit}`} | ${spread(values)} | ${last} |`;
  const judged = goal ? `${goal.is} ${goal.bound}${met(measure) ? '' : ': **missed**'}` : '';
  return [
    row(what, ours, `${value === undefined ? '' : `**${value.toFixed(2)}**`} | ${judged}`),
    ...(theirs ? [row('', theirs, ' | ')] : []),
  ];
}

const spread = (values: readonly number[]): string =>
  values.length > 1 ? `${shown(Math.min(...values))} to ${shown(Math.max(...values))}` : '';

function tableOf({ what, unit, of, sizes, lines }: Curve): string {
  return `
| ${what}, ${unit} | ${sizes.map((size) => size.toLocaleString('en')).join(' | ')} ${of} |
| --- | ${sizes.map(() => '---:').join(' | ')} |
${lines.map(({ name, values }) => `| ${name} | ${values.map(shown).join(' | ')} |`).join('\n')}
`;
}

/** The same for people at a terminal. */
export function summary({ name, measures, lost, seconds }: Result): string {
  const lines = measures.map((measure) => {
    const [value, isMet] = [ratio(measure), met(measure)];
    const sides = [measure.ours, ...(measure.theirs ? [measure.theirs] : [])].map((side) => shown(median(side.values))).join(' : ');
    const judged = measure.goal ? `  ${isMet ? '✔' : '✖'} ${measure.goal.is} ${measure.goal.bound}` : '';
    return `  ${measure.what}: ${sides} ${measure.unit}${value === undefined ? '' : `, ratio ${value.toFixed(2)}`}${judged}`;
  });
  return [`${name}, ${Math.round(seconds)} s, ${lost} lost`, ...lines].join('\n');
}
