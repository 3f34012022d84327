import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError, type SupervisedService } from '@ballast/cluster';
import { armedAs, type Point, titleOf } from './crash-matrix.points.js';
import { firstWork, type Work } from './crash-matrix.work.js';

/** A service that has finished nothing by then is broken. */
const WORKS_WITHIN = 60_000;

/** What was done to a service, and when it had finished something again. */
export interface Fault {
  point: string;
  /** False: nothing came by in time, and the process was killed from outside. */
  reached: boolean;
  /** Of a kill: when, ms since 1970. */
  at?: number;
  /** Its next piece of work. None for a pause, and where the next fault came first. */
  work?: Work;
  /** Where that was a kill: when, ms since 1970. */
  killedAgain?: number;
}

export interface ChainOptions {
  service: SupervisedService;
  /** Milliseconds that a point may take to be reached. */
  patience: number;
  /** Milliseconds that a pause lasts. */
  pause: number;
  signal: AbortSignal;
  say(line: string): void;
  done(fault: Fault): void;
  /** Runs another instance beside it while `work` lasts. */
  beside<T>(work: () => Promise<T>): Promise<T>;
}

interface Death extends Fault {
  at: number;
  /** Where the log of the next process begins. */
  log: number;
}

/**
 * One service, point after point: a process is armed only at its start, so each next one is armed before its predecessor dies. The first
 * death is a kill from outside, at any moment; the last process has nothing armed.
 */
export class Chain {
  constructor(private readonly o: ChainOptions) {}

  async run(points: readonly (Point & { hit: number })[]): Promise<void> {
    const { service, done, say, patience, signal } = this.o;
    let death = await this.kill(points[0]);
    for (const [n, point] of points.entries()) {
      const pid = await this.started();
      if (point.action === 'stop') {
        // The other instance must come up without it, and so must a process that dies by mistake.
        this.arm(undefined);
        const { reached, work } = await this.o.beside(() => this.pause(pid, death));
        done(faultOf(death, work));
        say(`${titleOf(point)}${reached ? '' : ' was not reached'}`);
        done({ point: titleOf(point), reached });
        if (n + 1 === points.length) return;
        death = await this.kill(points[n + 1]);
      } else {
        this.arm(points[n + 1]);
        const reached = await until(() => service.pid !== pid, { patience, signal, interval: 20 });
        if (!reached && service.pid === pid) await service.kill();
        const next = { point: titleOf(point), reached, at: Date.now(), log: this.logged() };
        const work = firstWork(service.logFile, death.log);
        done({ ...faultOf(death, work), ...(!work && { killedAgain: next.at }) });
        say(`${titleOf(point)}${reached ? '' : ' was not reached'}`);
        death = next;
      }
    }
    await this.started();
    done(await this.worked(death));
  }

  private arm(point: (Point & { hit: number }) | undefined): void {
    this.o.service.environment({ BALLAST_FAILPOINTS: point && armedAs(point, point.hit) });
  }

  /** Anywhere: wherever it is just now. What comes after it is armed for the point. */
  private async kill(next: (Point & { hit: number }) | undefined): Promise<Death> {
    const { service } = this.o;
    this.arm(next);
    await service.kill();
    return { point: `${service.name}: anywhere`, reached: true, at: Date.now(), log: this.logged() };
  }

  private async worked(death: Death): Promise<Fault> {
    const { service, signal } = this.o;
    for (const end = Date.now() + WORKS_WITHIN; Date.now() < end; await sleep(50)) {
      signal.throwIfAborted();
      const work = firstWork(service.logFile, death.log);
      if (work) return faultOf(death, work);
    }
    throw new ClusterError(`${service.name} has done nothing for ${WORKS_WITHIN / 1000} s after ${death.point}`);
  }

  /** Until the other instance has taken its work over; then it wakes, a zombie. With what it had done since its last death. */
  private async pause(pid: number, death: Death): Promise<Pick<Fault, 'reached' | 'work'>> {
    const { patience, signal, service } = this.o;
    try {
      const reached = await until(() => isStopped(pid), { patience, signal, interval: 100 });
      const work = firstWork(service.logFile, death.log);
      if (!reached) return { reached, ...(work && { work }) };
      await sleep(this.o.pause, undefined, { signal });
      process.kill(pid, 'SIGCONT');
      await service.ready();
      return { reached, ...(work && { work }) };
    } finally {
      if (isStopped(pid)) process.kill(pid, 'SIGCONT');
    }
  }

  private async started(): Promise<number> {
    const { service, signal } = this.o;
    await until(() => service.pid !== undefined, { patience: 60_000, interval: 20, signal });
    signal.throwIfAborted();
    if (service.pid === undefined) throw new ClusterError(`${service.name} was not started again`);
    return service.pid;
  }

  private logged(): number {
    return statSync(this.o.service.logFile).size;
  }
}

const faultOf = ({ point, reached, at }: Death, work: Work | undefined): Fault => ({ point, reached, at, ...(work && { work }) });

/** False when patience has ended before it was so. */
async function until(so: () => boolean, o: { patience: number; interval: number; signal: AbortSignal }): Promise<boolean> {
  for (const end = Date.now() + o.patience; !so(); await sleep(o.interval)) if (Date.now() > end || o.signal.aborted) return false;
  return true;
}

const isStopped = (pid: number): boolean =>
  /^T/.test(spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim());
