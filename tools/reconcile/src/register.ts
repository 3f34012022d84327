import { CannotReconcileError } from './errors.js';
import type { KindCode } from './kinds.js';
import type { Operator } from './operator.js';
import type { Outcome } from './run.js';

/** A difference that an earlier run wrote down. */
export interface OpenDifference {
  id: string;
  kind: KindCode;
  subject: string;
  orderId: string | null;
  repairs: number;
  firstSeen: string;
}

const PART = 100;
/** ms. A run that has nothing new to say is written down this often: the alert of a job that is away goes by it. */
const HEARTBEAT = 120_000;

/** Payment's register of differences: what was found when, what was tried, and where the next run begins. */
export class Register {
  private written = 0;
  private said = '';

  constructor(private readonly operator: Operator) {}

  state(): Promise<{ cutOff: string | null; fullAt: string | null; open: OpenDifference[] }> {
    return this.operator.get('payment', 'reconciliation');
  }

  async record(outcome: Outcome): Promise<void> {
    const { cutOff, scope, judged, inMotion, durationMs, differences } = outcome;
    const said = JSON.stringify([
      differences.map(({ kind, subject, detail }) => [kind, subject, detail]),
      outcome.resolved.map(({ id }) => id),
    ]);
    const news = said !== this.said || differences.some(({ repaired }) => repaired) || scope === 'full';
    if (!news && Date.now() - this.written < HEARTBEAT) return;
    const rows = differences.map(({ kind, subject, orderId, severity, amount, detail, repaired }) => ({
      ...{ kind, subject, severity, detail: detail.slice(0, 500) },
      ...(orderId && { orderId }),
      ...(amount && { amount }),
      ...(repaired && { repair: repaired.slice(0, 500) }),
    }));
    const resolved = outcome.resolved.map(({ id }) => id);
    for (let from = 0; from === 0 || from < rows.length; from += PART) {
      const last = from + PART >= rows.length;
      const part = {
        cutOff,
        scope,
        judged,
        inMotion,
        durationMs,
        found: rows.length,
        differences: rows.slice(from, from + PART),
        more: !last,
      };
      const { status, body } = await this.operator.post('payment', 'reconciliation/runs', {
        ...part,
        resolved: last ? resolved.slice(0, 1_000) : [],
      });
      if (status !== 204)
        throw new CannotReconcileError(
          `the register answered ${status} ${(body as { code?: string }).code ?? ''}: nothing was written down`,
        );
    }
    this.written = Date.now();
    this.said = said;
  }
}
