/** Merges what is in order of time each into one that is: of the same time, the earlier argument first. Holds one item of each. */
export async function* mergeByTime<T extends { time: number }>(streams: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const heads: { iterator: AsyncIterator<T>; value: T }[] = [];
  for (const stream of streams) {
    const iterator = stream[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (!first.done) heads.push({ iterator, value: first.value });
  }
  while (heads.length > 0) {
    const earliest = heads.reduce((best, head) => (head.value.time < best.value.time ? head : best));
    yield earliest.value;
    const next = await earliest.iterator.next();
    if (next.done) heads.splice(heads.indexOf(earliest), 1);
    else earliest.value = next.value;
  }
}
