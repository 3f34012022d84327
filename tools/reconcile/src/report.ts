import { type KindCode, kinds } from './kinds.js';
import type { Outcome, Reported } from './run.js';

/** What a person in finance reads: a line a kind, then every difference. */
export function report(outcome: Outcome, { repair }: { repair: boolean }): string {
  const { differences, judged, inMotion, onTheirWay, scope, durationMs, resolved } = outcome;
  const looked = `${judged} orders compared, ${inMotion} still in motion,${onTheirWay > 0 ? ` ${onTheirWay} waiting for a message,` : ''} ${scope === 'full' ? 'all of them' : 'what changed'}; ${seconds(durationMs)}`;
  const gone = resolved.length > 0 ? `\n${resolved.length} earlier difference${resolved.length > 1 ? 's are' : ' is'} gone` : '';
  if (differences.length === 0)
    return `✔ No difference: orders, stock, payments, ledger and the processor’s settlement agree\n  ${looked}${gone}`;
  const groups = new Map<KindCode, Reported[]>();
  for (const difference of differences) groups.set(difference.kind, [...(groups.get(difference.kind) ?? []), difference]);
  const rows = [...groups].map(([kind, all]) => [kind, String(all.length), sum(all), oldest(all), actionOf(all, repair)]);
  const list = [...groups].flatMap(([kind, all]) => [
    `${kind}  ${kinds[kind].says}`,
    ...all.map(({ subject, detail, repaired }) => `    ${subject}  ${detail}${repaired ? `  → repair ${repaired}` : ''}`),
    ...(all.some(({ action }) => action === 'escalate') ? [`    → ${kinds[kind].escalates}`] : []),
  ]);
  const title = `✖ ${differences.length} difference${differences.length > 1 ? 's' : ''} of ${groups.size} kind${groups.size > 1 ? 's' : ''}`;
  return [title, '', table([['kind', 'count', 'at stake', 'oldest', 'action'], ...rows]), '', ...list, '', `${looked}${gone}`].join('\n');
}

function actionOf(all: readonly Reported[], repair: boolean): string {
  const open = all.filter(({ action }) => action === 'repair').length;
  const escalated = all.length - open;
  const done = all.filter(({ repaired }) => repaired === 'done').length;
  const words = [
    ...(done > 0 ? [`${done} repaired`] : []),
    ...(open - done > 0 ? [repair ? `${open - done} not repaired` : `${open} to be repaired: --repair`] : []),
    ...(escalated > 0 ? [`${escalated} for a person`] : []),
  ];
  return words.join(', ');
}

/** Sums per currency; of stock and lost messages nothing. */
function sum(all: readonly Reported[]): string {
  const sums = new Map<string, number>();
  for (const { amount } of all) if (amount) sums.set(amount.currency, (sums.get(amount.currency) ?? 0) + amount.amount);
  return [...sums].map(([currency, amount]) => money(amount, currency)).join(' + ') || '-';
}

/** With as many decimals as the currency has. */
export function money(amount: number, currency: string): string {
  try {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'code' });
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
    return format.format(amount / 10 ** digits).replace(/\u00a0/g, ' ');
  } catch {
    return `${amount} ${currency}`;
  }
}

function oldest(all: readonly Reported[]): string {
  const first = Math.min(...all.map(({ firstSeen }) => Date.parse(firstSeen)));
  const age = Math.max(0, Date.now() - first);
  if (age < 60_000) return 'now';
  if (age < 7_200_000) return `${Math.floor(age / 60_000)} min`;
  if (age < 172_800_000) return `${Math.floor(age / 3_600_000)} h`;
  return `${Math.floor(age / 86_400_000)} d`;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const right = new Set([1, 2]);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
