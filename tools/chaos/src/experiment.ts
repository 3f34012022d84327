/** What can be done to a target, and what brings it back. `none`: it comes back by itself. */
export const ACTIONS = {
  /** SIGKILL to the process a container is there for, from inside: Postgres' own, not Patroni's. */
  'kill-process': 'none',
  /** SIGKILL to the whole container, which stays away. */
  kill: 'start',
  /** SIGTERM to the whole container, which stays away. */
  stop: 'start',
  /** Frozen: its connections stay open and nothing answers. */
  pause: 'unpause',
  /** Alive, and reached by nobody. */
  'cut-off': 'connect',
  /** Given a hundredth of one core and no more, however little the others need. */
  throttle: 'unthrottle',
  /** Every core busy with something else. The target is ignored: `cores`. */
  burn: 'cool-down',
} as const;
export type ActionName = keyof typeof ACTIONS;
export type UndoName = Exclude<(typeof ACTIONS)[ActionName], 'none'>;

export interface Fault {
  do: ActionName;
  on: string;
}

/** Times in milliseconds. */
export type Step =
  | Fault
  /** All at the same time. */
  | { together: Fault[] }
  | { undo: UndoName; on: string }
  /** Patroni's own settings, as its REST API takes them; brought back as they were. */
  | { patroni: Record<string, unknown> }
  /** For safeguards that are code: services started anew, one after the other, with a module of tools/chaos/sabotage in front; brought back without. */
  | { sabotage: string; services: string[] }
  /** Asks a server of Postgres for one row from inside its container: one that is cut off must not acknowledge it. */
  | { commitInside: string }
  | { wait: number }
  /** Until a checkout that was asked for after the last action is acknowledged, so long at most. */
  | { untilAcknowledged: number };

export const faultsOf = (steps: readonly Step[]): Fault[] =>
  steps.flatMap((step) => ('together' in step ? step.together : 'do' in step ? [step] : []));

/** The hypothesis: all of it holds before an experiment begins, and again within `back` after the rollback. */
export interface SteadyState {
  /** Every container that is to run does, and is healthy. */
  containers: 'healthy';
  /** One leader, every other member streams, at least one of them synchronously. */
  postgres?: 'whole';
  /** Every partition has all its copies in sync. */
  kafka?: 'whole';
  /** Checkouts are acknowledged: the last one so long ago at most. */
  checkouts: number;
  /** No accepted order is older than this and not final. */
  orders: number;
  back: number;
}

/** What must hold while it is disturbed, and of all of it in the end. */
export interface Goals {
  /** From the fault to the next acknowledged checkout, and any later time without one. */
  recovery?: number;
  /** The longest an order waited for its end, from the fault or from its acceptance, whichever was later. */
  sagas?: number;
  /** The same, of a trial that has taken the coordinator of a group away through which sagas go: its consumers have to join anew. */
  sagasWhenCoordinator?: number;
  /** Acknowledged writes that are not there any more, orders and bare rows. */
  lost?: 0;
  /** Every accepted order ends CONFIRMED, paid and shipped once; the books agree. */
  confirmed?: 'all';
  /** No container but the targets was started anew. */
  restarts?: 'none';
  /** Two that acknowledge writes at once: never. */
  primaries?: 1;
  /** `refused`: requests may be refused politely (503, Retry-After). `none`: not even that, where another could have answered. */
  failed?: 'none' | 'refused';
  /** How often the primary may change. */
  failovers?: 0;
}
/** What can be missed. */
export type Goal = Exclude<keyof Goals, 'sagasWhenCoordinator'>;

/** What an experiment relies on, and how to take it away: without it the goals in `red` are missed. */
export interface Safeguard {
  what: string;
  off: Step[];
  red: Goal[];
}

export interface Experiment {
  name: string;
  title: string;
  trials: number;
  load: { rate: number; buyers: number };
  steadyState: SteadyState;
  method: Step[];
  rollback: Step[];
  goals: Goals;
  safeguards: Record<string, Safeguard>;
}
