import { Database } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { PspService } from './psp.service.js';
import type { SalesQuery, Settled, TouchedQuery } from './settlement.requests.js';

/** Sales a page; a sale has a handful of operations. */
const SALES = 500;
const TOUCHED = 5_000;
/** What an operation belongs to. Its own key, when its merchant gave the sale no name. */
const SALE = `coalesce(reference, key) COLLATE "C"`;

interface Row extends Omit<Settled, 'amount' | 'at'> {
  amount: string;
  currency: string | null;
  at: Date;
}

/**
 * What took effect, sale by sale. In the order of arrival (`PspService.settlement`) nobody can follow along: an operation that
 * arrived early may take effect late, behind whoever has read that far.
 */
@Injectable()
export class Settlement {
  constructor(
    private readonly db: Database,
    private readonly psp: PspService,
  ) {}

  async sales({ references, after = '' }: SalesQuery): Promise<{ items: Settled[]; next: string | null }> {
    await this.psp.finishAllDue();
    const wanted =
      references ??
      (
        await this.db.primary.query<{ sale: string }[]>(
          `SELECT DISTINCT ${SALE} AS sale FROM operation WHERE state = 'succeeded' AND ${SALE} > $1 ORDER BY 1 LIMIT ${SALES}`,
          [after],
        )
      ).map(({ sale }) => sale);
    const rows = await this.db.primary.query<Row[]>(
      `SELECT key, kind, amount, currency, target, ${SALE} AS reference, coalesce(due_at, received_at) AS at
       FROM operation WHERE state = 'succeeded' AND ${SALE} = ANY ($1) ORDER BY ${SALE}, seq`,
      [wanted],
    );
    const items = rows.map(({ amount, currency, at, ...row }) => ({
      ...row,
      amount: currency === null ? null : { amount: Number(amount), currency },
      at: at.toISOString(),
    }));
    return { items, next: !references && wanted.length === SALES ? wanted.at(-1)! : null };
  }

  /** Sales of which something took effect since. */
  async touched({ since, after = '' }: TouchedQuery): Promise<{ references: string[]; next: string | null }> {
    await this.psp.finishAllDue();
    const rows = await this.db.primary.query<{ sale: string }[]>(
      `SELECT DISTINCT ${SALE} AS sale FROM operation
       WHERE state = 'succeeded' AND coalesce(due_at, received_at) >= $1 AND ${SALE} > $2 ORDER BY 1 LIMIT ${TOUCHED}`,
      [since, after],
    );
    return { references: rows.map(({ sale }) => sale), next: rows.length === TOUCHED ? rows.at(-1)!.sale : null };
  }
}
