import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from '@ballast/database';
import { backoff } from '@ballast/resilience';
import { logger } from '@ballast/tracing';
import { Injectable } from '@nestjs/common';

/** Start-up work that cannot succeed, and why. */
export class StartupError extends Error {
  constructor(
    readonly task: string,
    override readonly cause: unknown,
  ) {
    super(`start-up work failed: ${task}: ${cause instanceof Error ? cause.message : String(cause)}`);
    this.name = 'StartupError';
  }
}

/** Work a service has to have done before it takes requests, such as making its first signing key. Register it in `onModuleInit`. */
@Injectable()
export class Startup {
  private readonly tasks: { name: string; work: () => Promise<void> }[] = [];
  private stopped = false;

  /** Runs once the database is migrated, in order of registration, again after an outage. Any other error ends the process. */
  add(name: string, work: () => Promise<void>): void {
    this.tasks.push({ name, work });
  }

  async run(): Promise<void> {
    for (const { name, work } of this.tasks) {
      for (let attempt = 1; !(await this.attempt(name, work)); attempt++)
        await sleep(backoff(attempt, { initial: 100, max: 2_000 }), undefined, { ref: false });
    }
  }

  stop(): void {
    this.stopped = true;
  }

  private async attempt(name: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (this.stopped || !isTransient(error)) throw new StartupError(name, error);
      logger().warn({ err: error, task: name }, 'start-up work will be tried again');
      return false;
    }
  }
}
