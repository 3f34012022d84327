import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from './config.js';
import { NoPrimaryError } from './errors.js';
import type { Watcher } from './watcher.js';

/** Longer than two looks at a server that hangs, see the watcher. */
const FIRST_LOOK = 4_000;

/** Where a new connection goes. Throws `NoPrimaryError` when there is nowhere, rather than keep a caller waiting. */
export class Routes {
  /** Nothing but migrations may connect before they have run. */
  migrated = false;

  constructor(private readonly watcher: Watcher) {}

  readonly forMigrations = (): Promise<Host> => this.seek();

  readonly forWrites = async (): Promise<Host> => {
    const primary = await this.seek();
    this.requireMigrated();
    return primary;
  };

  /** A replica if there is one, also while there is no primary. */
  readonly forReads = async (): Promise<Host> => {
    await this.firstLook();
    this.requireMigrated();
    return this.watcher.view.replicas[0] ?? this.seek();
  };

  private async seek(): Promise<Host> {
    await this.firstLook();
    const { primary, reason } = this.watcher.view;
    if (!primary) throw new NoPrimaryError(reason);
    return primary;
  }

  /** Only the first moments of a process wait; after them it is known whether there is a primary, and which. */
  private async firstLook(): Promise<void> {
    if (!this.watcher.settled) await Promise.race([this.watcher.looked, sleep(FIRST_LOOK, undefined, { ref: false })]);
  }

  private requireMigrated(): void {
    if (!this.migrated) throw new NoPrimaryError('its migrations have not run yet');
  }
}
