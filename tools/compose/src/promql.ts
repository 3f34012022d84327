const NOT_NAMES = new Set('and or unless bool by without on ignoring group_left group_right offset inf nan'.split(' '));

/** The metrics a PromQL expression asks for, each once: what is neither a function, a label, a string, a duration nor a keyword. */
export function metricsOf(expression: string): string[] {
  const bare = expression
    .replace(/"[^"]*"/g, '')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\boffset\s+\w+/g, '')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  const names = bare.match(/(?<![\w:.])[a-zA-Z_:][\w:]*\b(?!\s*\()/g) ?? [];
  return [...new Set(names)].filter((name) => !NOT_NAMES.has(name.toLowerCase()));
}
