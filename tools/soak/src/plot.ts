import { type Axis, escape, type Line, panel, PANEL, WIDTH } from './panel.js';
import { BUSINESS } from './verdict.js';
import type { Sample } from './sample.js';

const MB = 1024 * 1024;

/** The run as four small charts under one another: an SVG of a light background, readable without colours by its labels. */
export function plot(samples: readonly Sample[], title: string): string {
  const axis = overMinutes(samples.map(({ at }) => at / 60));
  const size = (of: (name: string) => boolean) => (sample: Sample) =>
    Object.entries(sample.tables).reduce((sum, [name, { bytes }]) => sum + (of(name) ? bytes / MB : 0), 0);
  const line = (name: string, of: (sample: Sample) => number): Line => ({ name, values: samples.map(of) });
  const flat = busiest(samples).map((table) => line(table, (sample) => (sample.tables[table]?.bytes ?? 0) / MB));
  const parts = Object.keys(samples.at(-1)!.memory);
  const panels: [string, string, Line[]][] = [
    ['The busiest tables that are pruned', 'MB', flat],
    [
      'All tables together',
      'MB',
      [
        line(
          'pruned',
          size((name) => !BUSINESS[name]),
        ),
        line(
          'business data',
          size((name) => BUSINESS[name] !== undefined),
        ),
      ],
    ],
    ['Memory (PSS)', 'MB', parts.map((part) => line(part, ({ memory }) => (memory[part] ?? 0) / MB))],
    ['Checkout, accepted to final', 'ms', [line('p50', ({ latency }) => latency.p50), line('p99', ({ latency }) => latency.p99)]],
  ];
  const height = PANEL.top + panels.length * (PANEL.height + PANEL.gap) + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="600" fill="#111827">${escape(title)}</text>`,
    ...panels.map(([name, unit, lines], i) => panel(name, unit, axis, lines, PANEL.top + i * (PANEL.height + PANEL.gap))),
    '</svg>\n',
  ].join('\n');
}

function busiest(samples: readonly Sample[]): string[] {
  const peak = (table: string) => Math.max(...samples.map(({ tables }) => tables[table]?.bytes ?? 0));
  return Object.keys(samples.at(-1)!.tables)
    .filter((name) => !BUSINESS[name])
    .sort((a, b) => peak(b) - peak(a))
    .slice(0, 7);
}

function overMinutes(at: readonly number[]): Axis {
  const end = Math.max(at.at(-1) ?? 1, 0.1);
  const step = [0.5, 1, 2, 5, 10, 20, 60].find((each) => end / each <= 10) ?? 120;
  const marks = Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => ({ at: i * step, text: `${i * step} min` }));
  return { at, marks };
}
