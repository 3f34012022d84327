import { cpus } from 'node:os';
import { ClusterError } from '@ballast/cluster';
import { type Container, type Containers, isDatabase } from './containers.js';
import type { Docker } from './docker.js';
import type { ActionName } from './experiment.js';
import { recreate } from './recreate.js';
import type { Rollback } from './rollback.js';

/** The process a container is there for, where another one runs it. Prints when it is killed, then kills it. */
const KILL_POSTGRES = 'pid=$(head -1 "$PGDATA/postmaster.pid") && date +%s.%N && kill -9 "$pid"';
/** Microseconds of each tenth of a second: the least an engine takes. */
const NEXT_TO_NOTHING = '1000';

/** Does things to containers, each with its way back noted first. Gives when it was done: milliseconds since 1970, rather too early. */
export class Actions {
  constructor(
    private readonly docker: Docker,
    private readonly containers: Containers,
    private readonly rollback: Rollback,
  ) {}

  async do(action: ActionName, names: readonly string[]): Promise<number> {
    if (action === 'burn') return this.burn();
    const all = await this.containers.list();
    const targets = names.map((name) => all.get(name) ?? missing(name));
    const start = Date.now();
    const times = await atOnce(targets.map((target) => this.one(action, target)));
    return Math.min(...times.map((time) => time ?? start));
  }

  /** Puts a module of tools/chaos/sabotage in front of a service, which is started anew for it. */
  async sabotage(name: string, module: string): Promise<void> {
    const { files } = (await this.containers.list()).get(name) ?? missing(name);
    const instance = { project: this.containers.project, name, files };
    this.rollback.plan({ undo: 'recreate', ...instance });
    await recreate(this.docker, instance, module);
  }

  private async one(action: Exclude<ActionName, 'burn'>, { id, name, networks, running, paused }: Container): Promise<number | void> {
    const container = id;
    switch (action) {
      case 'kill-process': {
        if (!isDatabase(name)) throw new ClusterError(`kill-process: what to kill inside ${name} is not known; use kill`);
        const said = await this.docker(['exec', id, 'bash', '-c', KILL_POSTGRES]);
        return Number(said.trim()) * 1000;
      }
      case 'kill':
        this.rollback.plan({ undo: 'start', name, container });
        return void (await this.docker(['kill', id]));
      case 'stop':
        this.rollback.plan({ undo: 'start', name, container });
        // As long as it is given by compose.yml.
        return void (await this.docker(['stop', id], { timeout: 90_000 }));
      case 'pause':
        this.rollback.plan({ undo: 'unpause', name, container });
        return void (await this.docker(['pause', id]));
      case 'cut-off':
        this.rollback.plan({ undo: 'connect', name, container, networks });
        // The backups' repository is a volume here, which no network keeps it from: what it did alone would be found there by whoever takes its place.
        if (isDatabase(name) && running && !paused) await this.docker(['exec', id, 'pgbackrest', 'stop']);
        for (const network of Object.keys(networks)) await this.docker(['network', 'disconnect', network, id]);
        return;
      case 'throttle':
        // It would say so in passing, and limit nothing.
        if ((await this.docker(['info', '--format', '{{.CPUCfsQuota}}'])).trim() !== 'true')
          throw new ClusterError('throttle: this engine cannot limit a processor (its cgroups have no CFS quota)');
        this.rollback.plan({ undo: 'unthrottle', name, container });
        return void (await this.docker(['update', '--cpu-quota', NEXT_TO_NOTHING, id]));
    }
  }

  /** Twice as many busy loops as there are cores. */
  private async burn(): Promise<number> {
    const image = (await this.containers.list()).get('postgres-1')?.image ?? missing('postgres-1');
    const burner = `${this.containers.project}-chaos-burner`;
    this.rollback.plan({ undo: 'cool-down', name: 'cores', container: burner });
    const loops = `for ((n = 0; n < ${2 * cpus().length}; n++)); do while :; do :; done & done; wait`;
    const start = Date.now();
    await this.docker(['run', '-d', '--rm', '--init', '--network', 'none', '--name', burner, '--entrypoint', 'bash', image, '-c', loops]);
    return start;
  }
}

/** When one has failed, the others are waited for too: else they would be brought back before they had gone. */
export async function atOnce<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

function missing(name: string): never {
  throw new ClusterError(`there is no container ${name}`);
}
