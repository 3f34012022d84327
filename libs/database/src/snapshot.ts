/** Remembers what a container holds; the function it returns puts it back, in place. Containers inside are remembered too. */
export function snapshot(value: unknown): () => void {
  if (Array.isArray(value)) {
    const items: unknown[] = [...(value as unknown[])];
    const inner = items.map(snapshot);
    return () => {
      value.splice(0, value.length, ...items);
      inner.forEach((restore) => restore());
    };
  }
  if (value instanceof Map) {
    const entries = [...(value as Map<unknown, unknown>)];
    const inner = entries.map(([, item]) => snapshot(item));
    return () => {
      value.clear();
      for (const [key, item] of entries) value.set(key, item);
      inner.forEach((restore) => restore());
    };
  }
  if (value instanceof Set) {
    const items = [...(value as Set<unknown>)];
    return () => {
      value.clear();
      for (const item of items) value.add(item);
    };
  }
  if (isPlainObject(value)) {
    const copy = { ...value };
    const inner = Object.values(copy).map(snapshot);
    return () => {
      for (const key of Object.keys(value)) if (!(key in copy)) delete value[key];
      Object.assign(value, copy);
      inner.forEach((restore) => restore());
    };
  }
  return () => undefined;
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype && !Object.isFrozen(value);
