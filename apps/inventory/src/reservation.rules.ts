export interface Line {
  sku: string;
  quantity: number;
}

/** One line per SKU, in the order in which every transaction locks them. */
export function mergeLines(items: readonly Line[]): Line[] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of items) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity })).sort((a, b) => (a.sku < b.sku ? -1 : 1));
}

export type Shortage = { code: 'UNKNOWN_SKU' | 'OUT_OF_STOCK'; sku: string };

/** Why the lines cannot all be held; nothing when they can. An unknown SKU counts before a short one: waiting does not cure it. */
export function shortageOf(
  lines: readonly Line[],
  stock: readonly { sku: string; onHand: number; reserved: number }[],
): Shortage | undefined {
  const available = new Map(stock.map((p) => [p.sku, p.onHand - p.reserved]));
  const unknown = lines.find((line) => !available.has(line.sku));
  if (unknown) return { code: 'UNKNOWN_SKU', sku: unknown.sku };
  const short = lines.find((line) => available.get(line.sku)! < line.quantity);
  return short && { code: 'OUT_OF_STOCK', sku: short.sku };
}
