import { asExpected, type Run } from './results.js';
import { seconds } from './verdict.js';

const WIDTH = 920;
const ROW = 46;
const SIDE = { left: 210, right: 210 };
const TOP = 84;
const OUTAGE = '#0b62a4';
const WRITER = '#a16207';
const RED = '#b91c1c';

/** One mark per trial: how long no checkout was acknowledged, and no bare row; where the goal is; what was lost. An SVG on white. */
export function plot(runs: readonly Run[], title: string): string {
  const rows = runs.filter(({ trials }) => trials.length);
  const most = Math.max(
    1_000,
    ...rows.flatMap((run) => [
      goalOf(run) ?? 0,
      run.goals.sagasWhenCoordinator ?? 0,
      ...run.trials.flatMap((t) => [valueOf(run, t) ?? 0, t.writer ?? 0]),
    ]),
  );
  const end = ceiling(most);
  const width = WIDTH - SIDE.left - SIDE.right;
  // The square root: a blink and half a minute can both be read.
  const x = (ms: number) => SIDE.left + Math.sqrt(Math.min(ms, end) / end) * width;
  const height = TOP + rows.length * ROW + 44;
  const ticks = [0, 100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000].filter((ms) => ms <= end);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="600" fill="#111827">${escape(title)}</text>`,
    `<text x="16" y="46" fill="#4b5563">From the fault to the next acknowledgement, a mark per trial: <tspan fill="${OUTAGE}">● checkout (or the slowest order, where that is the goal)</tspan>, <tspan fill="${WRITER}">× bare row</tspan>, <tspan fill="${RED}">| goal</tspan></text>`,
    ...ticks.map(
      (ms) =>
        `<line x1="${x(ms).toFixed(1)}" x2="${x(ms).toFixed(1)}" y1="${TOP - 14}" y2="${height - 30}" stroke="#e5e7eb"/><text x="${x(ms).toFixed(1)}" y="${height - 14}" text-anchor="middle" fill="#4b5563">${ms / 1000} s</text>`,
    ),
    ...rows.map((run, n) => row(run, TOP + n * ROW + ROW / 2, x)),
    '</svg>\n',
  ].join('\n');
}

function row(run: Run, y: number, x: (ms: number) => number): string {
  const limits = [goalOf(run), run.goals.sagasWhenCoordinator].filter((limit) => limit !== undefined);
  const values = run.trials.map((trial) => valueOf(run, trial));
  const marks = run.trials.map((trial, n) => {
    const [value, jitter] = [values[n], ((n * 7) % 13) - 6];
    const ring =
      value === undefined ? '' : `<circle cx="${x(value).toFixed(1)}" cy="${y + jitter}" r="4" fill="${OUTAGE}" fill-opacity="0.55"/>`;
    const cross =
      trial.writer === undefined
        ? ''
        : `<text x="${x(trial.writer).toFixed(1)}" y="${y + jitter + 4}" text-anchor="middle" fill="${WRITER}">×</text>`;
    return ring + cross;
  });
  const longest = values.includes(undefined) ? 'never' : seconds(Math.max(...(values as number[])));
  const lost = run.audit.lostWrites + run.audit.differences.filter((line) => line.endsWith('not there')).length;
  const verdict = `longest ${longest}, ${lost} of ${run.accepted + run.written} lost`;
  return [
    `<line x1="${SIDE.left}" x2="${WIDTH - SIDE.right}" y1="${y}" y2="${y}" stroke="#f3f4f6"/>`,
    `<text x="16" y="${y + 4}" fill="#111827">${escape(nameOf(run))}</text>`,
    ...limits.map(
      (limit) =>
        `<line x1="${x(limit).toFixed(1)}" x2="${x(limit).toFixed(1)}" y1="${y - 14}" y2="${y + 14}" stroke="${RED}" stroke-width="2"/>`,
    ),
    ...marks,
    `<text x="${WIDTH - SIDE.right + 10}" y="${y + 4}" fill="${asExpected(run) ? '#15803d' : RED}">${escape(verdict)}</text>`,
  ].join('\n');
}

export const nameOf = ({ experiment, without }: Run): string => (without ? `${experiment}, without ${without.name}` : experiment);

/** The time an experiment is about: of its sagas when it has a goal for them, else of its checkouts. */
export const goalOf = ({ goals }: Run): number | undefined => goals.sagas ?? goals.recovery;
export function valueOf({ goals }: Run, { sagas, recovery, gap }: Run['trials'][number]): number | undefined {
  if (goals.sagas !== undefined) return sagas;
  return recovery === undefined ? undefined : Math.max(recovery, gap);
}

function ceiling(ms: number): number {
  return [1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000].find((each) => each >= ms) ?? ms;
}

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
