import { Database, sampleEvery } from '@ballast/database';
import { gauge } from '@ballast/tracing';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ReconciliationRegister } from './reconciliation.register.js';

const open = () => gauge('ballast_reconciliation_differences', 'Differences between books that are open', ['kind', 'severity']);
const lastRun = () => gauge('ballast_reconciliation_last_run_timestamp_seconds', 'When books were compared last');

/** From the register, so that they are there after a restart, and while the job that finds differences is not. */
@Injectable()
export class ReconciliationMetrics implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private stop: () => void = () => undefined;
  private readonly known = new Map<string, { kind: string; severity: string }>();

  constructor(
    private readonly db: Database,
    private readonly register: ReconciliationRegister,
  ) {}

  onApplicationBootstrap(): void {
    this.stop = sampleEvery(this.db, () => this.sample());
  }

  beforeApplicationShutdown(): void {
    this.stop();
  }

  /** A kind that is gone goes to 0, so that an alert of it ends. */
  private async sample(): Promise<void> {
    const census = await this.register.census();
    for (const labels of this.known.values()) open().set(labels, 0);
    for (const { kind, severity, count } of census.open) {
      this.known.set(`${kind} ${severity}`, { kind, severity });
      open().set({ kind, severity }, count);
    }
    if (census.lastRun !== undefined) lastRun().set(census.lastRun);
  }
}
