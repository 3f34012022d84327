import { logger } from '@ballast/tracing';

/** One line when something stops working and one when it works again, however often it is tried in between. */
export class Trouble {
  private since?: number;

  constructor(private readonly what: string) {}

  get active(): boolean {
    return this.since !== undefined;
  }

  found(error: unknown, fields: Record<string, unknown> = {}): void {
    if (this.since !== undefined) return;
    this.since = Date.now();
    logger().warn({ ...fields, reason: error instanceof Error ? error.message : String(error) }, `${this.what}: waiting`);
  }

  over(): void {
    if (this.since === undefined) return;
    logger().info({ seconds: Math.round((Date.now() - this.since) / 1000) }, `${this.what}: works again`);
    delete this.since;
  }
}
