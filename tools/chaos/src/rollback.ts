import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError, messageOf } from '@ballast/cluster';
import { isDatabase } from './containers.js';
import type { UndoName } from './experiment.js';
import type { Docker } from './docker.js';
import { exists, type Instance, recreate } from './recreate.js';

/** One thing that was done, as what brings it back. Plain data: it outlives the process in a file. */
export type Undo =
  | { undo: 'start' | 'unpause' | 'unthrottle' | 'cool-down'; name: string; container: string }
  | { undo: 'connect'; name: string; container: string; networks: Record<string, string[]> }
  | { undo: 'patroni'; name: string; settings: Record<string, unknown> }
  | ({ undo: 'recreate' } & Instance);

/** Applies Patroni's settings; the rest of the rollback is Docker's work. */
export type SetPatroni = (settings: Record<string, unknown>) => Promise<unknown>;

const TRIES = 5;
/** As `start` and its like say it, and as `inspect` does. */
const GONE = /no such (container|object)/i;

/**
 * What has been done to the cluster and not been undone. Each entry is written to a file before its action, so that whatever ends the
 * run (an error, Ctrl-C, a kill -9 and the next start) finds all of it. Undoing twice is undoing once.
 */
export class Rollback {
  private readonly entries: Undo[];

  constructor(
    private readonly docker: Docker,
    private readonly patroni: SetPatroni,
    private readonly file: string,
    private readonly pause = 1_000,
  ) {
    this.entries = read(file);
  }

  /** How much is still to be undone. At the start: what an earlier run left. */
  get length(): number {
    return this.entries.length;
  }

  /** Before the action. */
  plan(entry: Undo): void {
    this.entries.push(entry);
    this.save();
  }

  /** The entries of one step of an experiment's rollback. */
  async undo(what: UndoName, names: readonly string[]): Promise<void> {
    for (const entry of this.entries.filter(({ undo, name }) => undo === what && names.includes(name))) await this.take(entry);
  }

  /** Everything that is left, the last first. One that fails keeps no other from being undone. @throws {ClusterError} in the end, naming them */
  async all(wanted: (entry: Undo) => boolean = () => true): Promise<void> {
    const failed: string[] = [];
    for (const entry of this.entries.filter(wanted).reverse())
      await this.take(entry).catch((error: unknown) => failed.push(`${entry.undo} ${entry.name}: ${messageOf(error)}`));
    if (failed.length) throw new ClusterError(`not rolled back, and tried again at the next start: ${failed.join('; ')}`);
  }

  /** One whose container is gone has nothing to be undone: compose makes a new one, as its files say. */
  private async take(entry: Undo): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.apply(entry);
        break;
      } catch (error) {
        if ('container' in entry && GONE.test(messageOf(error))) break;
        if (attempt === TRIES) throw error;
        await sleep(this.pause);
      }
    }
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.save();
  }

  private async apply(entry: Undo): Promise<void> {
    switch (entry.undo) {
      case 'start':
        return void (await this.docker(['start', entry.container], { timeout: 60_000 }));
      case 'unpause':
        if ((await this.inspect(entry.container, '{{.State.Paused}}')) === 'true') await this.docker(['unpause', entry.container]);
        return;
      case 'cool-down':
        // It removes itself when it ends: then it is cool already.
        return void (await this.docker(['rm', '-f', entry.container]));
      case 'unthrottle':
        // No container here has a limit of its own. 0 would be taken for nothing said.
        return void (await this.docker(['update', '--cpu-quota=-1', entry.container]));
      case 'recreate':
        if (await exists(this.docker, entry)) await recreate(this.docker, entry);
        return;
      case 'patroni':
        return void (await this.patroni(entry.settings));
      case 'connect': {
        const there = JSON.parse(await this.inspect(entry.container, '{{json .NetworkSettings.Networks}}')) as Record<string, unknown>;
        for (const [network, aliases] of Object.entries(entry.networks))
          if (!(network in there))
            await this.docker(['network', 'connect', ...aliases.flatMap((alias) => ['--alias', alias]), network, entry.container]);
        // One that was started anew meanwhile has forgotten that it was stopped.
        if (isDatabase(entry.name) && (await this.inspect(entry.container, '{{.State.Status}}')) === 'running')
          await this.docker(['exec', entry.container, 'pgbackrest', 'start']);
      }
    }
  }

  private async inspect(container: string, format: string): Promise<string> {
    return (await this.docker(['inspect', '--format', format, container])).trim();
  }

  private save(): void {
    if (!this.entries.length) return rmSync(this.file, { force: true });
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileSync(this.file, JSON.stringify(this.entries), { mode: 0o600 });
  }
}

function read(file: string): Undo[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Undo[];
  } catch {
    return [];
  }
}
