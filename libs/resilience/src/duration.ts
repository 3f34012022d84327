/** Milliseconds, or a number with its unit: `'250ms'`, `'5s'`, `'2m'`, `'1h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds. Throws `TypeError` for what is no finite, non-negative duration. */
export function duration(value: Duration): number {
  const ms = typeof value === 'number' ? value : parse(value);
  if (!Number.isFinite(ms) || ms < 0)
    throw new TypeError(`not a duration: ${JSON.stringify(value)}; write 250, '250ms', '5s', '2m' or '1h'`);
  return ms;
}

function parse(text: unknown): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) : null;
  return match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : NaN;
}
