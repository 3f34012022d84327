import { escape, panel, PANEL, WIDTH } from '@ballast/soak/panel';
import { type Curve, type Measure, met, ratio, type Result } from './figures.js';

const ROW = 34;
const TOP = 84;
const SIDE = { left: 300, right: 150 };
const [OURS, GOAL, MISSED] = ['#0b62a4', '#a16207', '#b91c1c'];

/** The ratios of each measure, a mark per round, with its goal; below, what grows. An SVG on white. */
export function plot({ name, measures, curves }: Result): string {
  const rows = measures.filter(({ theirs }) => theirs);
  const end = Math.max(2, ...rows.flatMap((row) => [...ratios(row), row.goal?.bound ?? 0])) * 1.05;
  const bottom = TOP + rows.length * ROW;
  const height = bottom + 40 + curves.length * (PANEL.height + PANEL.gap + 20);
  const x = (value: number) => SIDE.left + (value / end) * (WIDTH - SIDE.left - SIDE.right);
  const step = [0.25, 0.5, 1, 2, 5, 10, 20, 50].find((each) => end / each <= 10) ?? 100;
  const marks = Array.from({ length: Math.floor(end / step) + 1 }, (_, n) => n * step);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="600" fill="#111827">${escape(`Benchmark: ${name}`)}</text>`,
    `<text x="16" y="46" fill="#4b5563">Ballast ÷ what it is held against, a mark per round; <tspan fill="${GOAL}">| goal, on the side of the arrow</tspan></text>`,
    ...marks.map(
      (mark) =>
        `<line x1="${x(mark).toFixed(1)}" x2="${x(mark).toFixed(1)}" y1="${TOP - 14}" y2="${bottom}" stroke="${mark === 1 ? '#9ca3af' : '#e5e7eb'}"/><text x="${x(mark).toFixed(1)}" y="${bottom + 16}" text-anchor="middle" fill="#4b5563">${mark}</text>`,
    ),
    ...rows.map((row, n) => drawn(row, TOP + n * ROW + ROW / 2 - 4, x)),
    ...curves.map((curve, n) => grown(curve, bottom + 70 + n * (PANEL.height + PANEL.gap + 20))),
    '</svg>\n',
  ].join('\n');
}

function drawn(row: Measure, y: number, x: (value: number) => number): string {
  const { goal, what } = row;
  const at = goal && x(goal.bound);
  const arrow = goal?.is === 'at least' ? '▸' : '◂';
  return [
    `<text x="16" y="${y + 4}" fill="#111827">${escape(what)}</text>`,
    ...(at === undefined
      ? []
      : [
          `<line x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${y - 11}" y2="${y + 11}" stroke="${GOAL}" stroke-width="2"/><text x="${(at + (goal!.is === 'at least' ? 3 : -10)).toFixed(1)}" y="${y - 5}" font-size="10" fill="${GOAL}">${arrow}</text>`,
        ]),
    ...ratios(row).map((value) => `<circle cx="${x(value).toFixed(1)}" cy="${y}" r="4" fill="${OURS}" fill-opacity="0.5"/>`),
    `<text x="${WIDTH - SIDE.right + 10}" y="${y + 4}" fill="${met(row) === false ? MISSED : '#111827'}">${ratio(row)!.toFixed(2)}${goal ? ` (${goal.is} ${goal.bound})` : ''}</text>`,
  ].join('\n');
}

const ratios = ({ ours, theirs }: Measure): number[] => ours.values.map((value, round) => value / theirs!.values[round]!);

/** Sizes grow by factors, so they lie side by side. */
function grown({ what, unit, of, sizes, lines }: Curve, top: number): string {
  const at = sizes.map((_, n) => n);
  const marks = sizes.map((size, n) => ({ at: n, text: `${size.toLocaleString('en')}${n === sizes.length - 1 ? ` ${of}` : ''}` }));
  return panel(what, unit, { at, marks }, lines, top);
}
