import type { SettlementQuery, SettlementRow, SettlementTouchedQuery } from '@ballast/contracts';
import { policy } from '@ballast/resilience';
import { CONFIG } from '@ballast/service';
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { Config } from './config.js';
import { psp } from './psp.calls.js';

/** A policy of its own, so that a comparison never takes a payment's place, and a slow report opens no payment's breaker. */
const reports = policy('psp-settlement', { deadline: '20s', breaker: { failures: 5, resetAfter: '1s' }, bulkhead: 4 });

/** The processor's settlement, handed on as it is. Payment alone has the key to it. */
@Injectable()
export class PspSettlement {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  async page({ orderIds, after }: SettlementQuery): Promise<{ items: SettlementRow[]; next: string | null }> {
    return this.get(psp.sales.path, psp.sales.reads, { references: orderIds?.map(encodeURIComponent).join(), after });
  }

  async touched({ since, after }: SettlementTouchedQuery): Promise<{ orderIds: string[]; next: string | null }> {
    const { references, next } = await this.get(psp.soldSince.path, psp.soldSince.reads, { since, after });
    return { orderIds: references, next };
  }

  private get<S extends z.ZodType>(path: string, reads: S, query: Record<string, string | undefined>): Promise<z.output<S>> {
    const url = new URL(path, this.config.pspUrl);
    for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
    return reports.execute(async ({ signal }) => {
      const response = await fetch(url, { headers: { 'x-api-key': this.config.pspApiKey }, signal });
      if (!response.ok) throw new Error(`the processor answered ${path} with ${response.status}`);
      return reads.parse(await response.json());
    });
  }
}
