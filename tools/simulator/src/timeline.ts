import type { Outcome } from './run.js';

/** More would not be read. */
const LINES = 400;
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** What happened, a line each; ids that mean something have names, others are short. */
export function timeline({ notes, scenario }: Outcome): string[] {
  const names = namesOf(notes);
  const short = (text: string) => text.replace(ID, (id) => names.get(id) ?? `…${id.slice(-6)}`);
  const lines = notes.map(({ at, who, what }) => `${(at / 1000).toFixed(3).padStart(10)}  ${who.padEnd(12)} ${short(what)}`);
  const shown = lines.length > LINES ? [...lines.slice(0, LINES), `… and ${lines.length - LINES} more lines`] : lines;
  return [`seed ${scenario.seed}; seconds of simulated time`, ...shown];
}

/** Orders by their number, as the buyer was told of them. */
function namesOf(notes: Outcome['notes']): Map<string, string> {
  const names = new Map<string, string>();
  for (const { who, what } of notes) {
    const accepted = who === 'buyer' && /^order (\d+) is accepted as (\S+)$/.exec(what);
    if (accepted) names.set(accepted[2]!, `order ${accepted[1]}`);
  }
  return names;
}

/** The scenario in words: what was bought, and what went wrong. */
export function describe({ scenario: { seed, orders, faults, deadline } }: Outcome): string[] {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return [
    `seed ${seed}, ${orders.length} order${orders.length === 1 ? '' : 's'}, ${faults.length} fault${faults.length === 1 ? '' : 's'}` +
      (deadline === undefined ? '' : `, saga deadlines of ${seconds(deadline)}`),
    ...orders.map(
      ({ number, at, token, items, refunds, twice }) =>
        `  order ${number} at ${seconds(at)}: ${items.map(({ sku, quantity }) => `${quantity} ${sku}`).join(', ')} with ${token}` +
        (twice ? ', asked twice at once' : '') +
        (refunds.length ? `, refunds of ${refunds.join(', ')} %` : ''),
    ),
    ...faults.map(({ kind, at, lasts, target }) => `  ${kind}${target ? ` ${target}` : ''} at ${seconds(at)} for ${seconds(lasts)}`),
  ];
}
