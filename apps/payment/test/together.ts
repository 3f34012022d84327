/** Begins tests all at once: with a processor that takes 3 s for an answer, they mostly wait. */
export function together() {
  const starts: (() => void)[] = [];
  return {
    /** Like `it`. */
    it(name: string, test: () => Promise<void>): void {
      let running: Promise<void>;
      starts.push(() => (running = test()).catch(() => undefined));
      it(name, () => running);
    },
    begin: () => starts.forEach((start) => start()),
  };
}
