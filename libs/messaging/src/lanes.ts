import { sessionLockHeld } from '@ballast/database';
import type { EntityManager } from 'typeorm';
import { LANE_OF, type Lanes, MOST_LANES } from './lanes.sql.js';

/** What a replica has to know to take its share. */
export interface LaneView extends Lanes {
  /** The replicas that relay at present, this one among them, in the same order everywhere. */
  readonly members: readonly string[];
  /** Those among them whose session has ended: dead, or connecting anew. */
  readonly absent: readonly string[];
}

/** Under which a replica's session can be seen, as an expression of SQL. */
const SESSION = (owner: string): string => `'outbox relay ' || ${owner}`;
/** The same for `Database.listen`. */
export const sessionOf = (owner: string): string => `outbox relay ${owner}`;

/** Number and sharing of the relay lanes, which the replicas of a service agree on by their database. */
export interface LaneStore {
  look(): Promise<LaneView>;
  /** This replica takes part for `ms` from now. */
  join(owner: string, ms: number): Promise<void>;
  leave(owner: string): Promise<void>;
  /** What waits in each lane. */
  pending(): Promise<number[]>;
}

const LOOK = `
SELECT lanes::int AS lanes, generation::text AS generation,
  ARRAY(SELECT owner FROM outbox_relay WHERE alive_until >= clock_timestamp() ORDER BY owner COLLATE "C") AS members,
  ARRAY(SELECT owner FROM outbox_relay AS r WHERE alive_until >= clock_timestamp() AND present AND NOT ${sessionLockHeld(SESSION('r.owner'))}) AS absent
FROM outbox_lanes`;

/** Not worth waiting for the disk; who never comes back is forgotten in time. Only who has been seen to hold its lock can be missed. */
const JOIN = `
WITH setting AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
  gone AS (DELETE FROM outbox_relay WHERE alive_until < clock_timestamp() - interval '1 hour')
INSERT INTO outbox_relay (owner, alive_until, present)
SELECT $1::text, clock_timestamp() + $2 * interval '1 ms', ${sessionLockHeld(SESSION('$1::text'))} FROM setting
ON CONFLICT (owner) DO UPDATE SET alive_until = excluded.alive_until, present = excluded.present`;

const PENDING = `
SELECT (${LANE_OF('key', 'lanes')})::int AS lane, count(*)::int AS pending FROM outbox CROSS JOIN outbox_lanes
WHERE parked_at IS NULL GROUP BY 1`;

export class SqlLaneStore implements LaneStore {
  constructor(private readonly database: { readonly primary: EntityManager }) {}

  async look(): Promise<LaneView> {
    const [view] = await this.database.primary.query<[LaneView]>(LOOK);
    return view;
  }

  async join(owner: string, ms: number): Promise<void> {
    await this.database.primary.query(JOIN, [owner, ms]);
  }

  async leave(owner: string): Promise<void> {
    await this.database.primary.query(`DELETE FROM outbox_relay WHERE owner = $1`, [owner]);
  }

  async pending(): Promise<number[]> {
    const { lanes } = await this.look();
    const rows = await this.database.primary.query<{ lane: number; pending: number }[]>(PENDING);
    return Array.from({ length: lanes }, (_, lane) => rows.find((row) => row.lane === lane)?.pending ?? 0);
  }
}

/**
 * Changes the number of relay lanes of the service whose database this is, while it runs. Rows stay where they are. The replicas see the
 * change within a second, finish what they are sending, and go on with the new lanes when none of the old has a lease: publishing rests for
 * about a second, three when a replica has just died, and up to 15 when one stands still. Order per key holds throughout. The same number again changes nothing.
 *
 * @throws {RangeError} for less than 1 or more than 64 lanes
 */
export async function setLanes(database: { readonly primary: EntityManager }, lanes: number): Promise<Lanes> {
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > MOST_LANES)
    throw new RangeError(`a service has from 1 to ${MOST_LANES} relay lanes, not ${lanes}`);
  await database.primary.query(`UPDATE outbox_lanes SET lanes = $1, generation = generation + 1 WHERE lanes <> $1`, [lanes]);
  const [now] = await database.primary.query<[Lanes]>(`SELECT lanes::int AS lanes, generation::text AS generation FROM outbox_lanes`);
  return now;
}

/** The lanes a replica is to own: every one has exactly one member, and shares differ by one at most. */
export function shareOf({ lanes, members }: LaneView, owner: string): number[] {
  const place = members.indexOf(owner);
  if (place < 0) return [];
  return Array.from({ length: lanes }, (_, lane) => lane).filter((lane) => lane % members.length === place);
}
