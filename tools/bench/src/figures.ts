/** What one side of a measure gave, a value per round. */
export interface Side {
  name: string;
  values: number[];
}

export interface Goal {
  /** Of the ratio, first side over second; of the median where there is one side. */
  bound: number;
  /** Whether it must be at least the bound, or at most. */
  is: 'at least' | 'at most';
}

/** Two sides that were measured in turns, A B A B, in one run: their ratio is what the figure is about. */
export interface Measure {
  what: string;
  unit: string;
  ours: Side;
  /** What it is held against; without one the figure only stands for itself. */
  theirs?: Side;
  goal?: Goal;
}

/** A value over a growing size, a line a side. */
export interface Curve {
  what: string;
  unit: string;
  /** What grows, and its values in order. */
  of: string;
  sizes: number[];
  lines: Side[];
}

/** What a benchmark found. `lost` counts what was acknowledged and did not arrive: anything but 0 is a failure of the run. */
export interface Result {
  name: string;
  about: string;
  measures: Measure[];
  curves: Curve[];
  notes: string[];
  lost: number;
  seconds: number;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The median of the rounds' own ratios: a round's sides ran one after the other, so what slowed one slowed both. */
export function ratio({ ours, theirs }: Measure): number | undefined {
  if (!theirs) return undefined;
  return median(ours.values.map((value, round) => value / theirs.values[round]!));
}

export function met(measure: Measure): boolean | undefined {
  const { goal, ours } = measure;
  if (!goal) return undefined;
  const value = ratio(measure) ?? median(ours.values);
  return goal.is === 'at least' ? value >= goal.bound : value <= goal.bound;
}
