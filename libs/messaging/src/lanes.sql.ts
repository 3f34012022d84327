/** How many relay lanes there are. Each change of the number is a new generation, whose lanes begin when no lease of another runs. */
export interface Lanes {
  readonly lanes: number;
  readonly generation: string;
}

/** What a database has until `setLanes` is called. */
export const ONE_LANE: Lanes = { lanes: 1, generation: '1' };
export const MOST_LANES = 64;

/**
 * The row of `outbox_lane` that the version before knows, which had one lane and sent every row while it owned this. All lanes hold it
 * together, so the two versions never send at the same time, whichever was there first; lane n has row n + 1.
 */
export const GATE = { lane: 0, owner: '*' } as const;
export const rowOf = (lane: number): number => lane + 1;

/**
 * The lane of a key, computed when rows are read and stored nowhere: so it does not matter that Postgres may hash otherwise after an upgrade
 * of its major version, and a change of the number moves no row.
 */
export const LANE_OF = (key: string, lanes: string): string => `(hashtextextended(${key}, 0) & 9223372036854775807) % ${lanes}`;
