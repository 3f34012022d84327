/** Columns as wide as their widest cell, two blanks between them. The last one is not filled up. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  return all
    .map((cells) =>
      cells
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values below each other. What has no value is left out. */
export function fields(entries: readonly (readonly [name: string, value: string | number | undefined])[]): string {
  const known = entries.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

const units: readonly (readonly [name: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
];

/** `12s`, `3m`, `2h`, `4d` before `now`. */
export function age(time: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1_000));
  const [name, size] = units.find(([, each]) => seconds >= each * 2) ?? ['s', 1];
  return `${Math.floor(seconds / size)}${name}`;
}

/** In one line, no longer than `length`. */
export function short(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

export const count = (number: number, one: string, several = `${one}s`): string => `${number} ${number === 1 ? one : several}`;
