import type { Finding } from './finding.js';
import { journey } from './rules/journey.js';
import { ledger } from './rules/ledger.js';
import { money } from './rules/money.js';
import { exceeds, refunds } from './rules/refunds.js';
import { stock } from './rules/stock.js';
import { inMotion, type Sale } from './sale.js';

export type Verdict = { judged: true; findings: Finding[] } | { judged: false };

/**
 * Compares all that the books say of one order. Pure: the same books at the same time give the same findings. What is still in
 * motion is not judged. Each defect is named once, by its cause: rules that only see its consequences are not asked.
 */
export function judge(sale: Sale, now: number, grace: number): Verdict {
  if (inMotion(sale, now, grace)) return { judged: false };
  const over = exceeds(sale);
  return {
    judged: true,
    findings: [...journey(sale), ...money(sale), ...(over.length > 0 ? over : [...refunds(sale), ...ledger(sale)]), ...stock(sale)],
  };
}
