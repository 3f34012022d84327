export interface Line {
  name: string;
  values: readonly number[];
}

/** What lies along the bottom: the values' places, and where the marks are. */
export interface Axis {
  at: readonly number[];
  marks: readonly { at: number; text: string }[];
}

export const WIDTH = 920;
export const PANEL = { height: 170, left: 64, right: 190, gap: 52, top: 64 };
const COLOURS = ['#0b62a4', '#c2410c', '#15803d', '#7c3aed', '#b91c1c', '#0e7490', '#a16207', '#57534e', '#be185d', '#1e3a8a'];

/** Lines over one axis, as part of an SVG of a light background, readable without colours by its labels. */
export function panel(name: string, unit: string, axis: Axis, lines: readonly Line[], top: number): string {
  const { left, right, height } = PANEL;
  const width = WIDTH - left - right;
  const end = Math.max(axis.at.at(-1) ?? 1, 0.1);
  const most = ceiling(Math.max(...lines.flatMap(({ values }) => values), 0));
  const x = (place: number) => left + (place / end) * width;
  const y = (value: number) => top + height - (value / most) * height;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(most * share);
    return `<line x1="${left}" x2="${left + width}" y1="${at}" y2="${at}" stroke="#e5e7eb"/><text x="${left - 8}" y="${at + 4}" text-anchor="end" fill="#4b5563">${round(most * share)}</text>`;
  });
  const ticks = axis.marks.map(
    ({ at, text }) => `<text x="${x(at)}" y="${top + height + 16}" text-anchor="middle" fill="#4b5563">${escape(text)}</text>`,
  );
  const labels = spread(
    lines.map(({ values }) => y(values.at(-1) ?? 0)),
    top + height,
  );
  const drawn = lines.map(({ name: label, values }, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const points = values.map((value, n) => `${x(axis.at[n]!).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.8" stroke-linejoin="round"/><text x="${left + width + 10}" y="${(labels[i]! + 4).toFixed(1)}" fill="${colour}">${escape(label)}</text>`;
  });
  return [
    `<text x="${left}" y="${top - 12}" font-weight="600" fill="#111827">${escape(name)}, ${unit}</text>`,
    ...grid,
    ...ticks,
    ...drawn,
  ].join('\n');
}

/** Moves labels apart that would lie on each other: down, and up again from the panel's bottom. */
function spread(places: readonly number[], bottom: number): number[] {
  const gap = 15;
  const order = places.map((place, i) => ({ place, i })).sort((a, b) => a.place - b.place);
  for (let n = 1; n < order.length; n++) order[n]!.place = Math.max(order[n]!.place, order[n - 1]!.place + gap);
  for (let n = order.length - 1, floor = bottom; n >= 0; floor = order[n--]!.place - gap)
    order[n]!.place = Math.min(order[n]!.place, floor);
  const placed = [...places];
  for (const { place, i } of order) placed[i] = place;
  return placed;
}

/** The next number above that quarters read well of. */
function ceiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value) ?? 10) * power;
}

const round = (value: number): string => (value >= 10 ? value.toFixed(0) : value.toFixed(2).replace(/\.?0+$/, ''));
export const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
