import { ClosedError } from './scope.js';

/** Changes the line that says what a step is at, e.g. "downloading …". */
export type Say = (text: string) => void;

/** Shows a person what a start is at. Steps may run side by side. */
export interface Progress {
  /** Runs a step; what `describe` makes of its result is shown when it is done. */
  step<T>(title: string, work: (say: Say) => Promise<T>, describe?: (result: T) => string): Promise<T>;
  /** No step follows. Waits until all is shown. */
  end(): Promise<void>;
}

export interface Timing {
  title: string;
  seconds: number;
}

/** Remembers how long each step took, whatever shows it. */
export class TimedProgress implements Progress {
  readonly timings: Timing[] = [];

  constructor(private readonly shown: Progress) {}

  step<T>(title: string, work: (say: Say) => Promise<T>, describe?: (result: T) => string): Promise<T> {
    const timed = async (say: Say) => {
      const start = performance.now();
      try {
        return await work(say);
      } finally {
        this.timings.push({ title, seconds: (performance.now() - start) / 1000 });
      }
    };
    return this.shown.step(title, timed, describe);
  }

  end(): Promise<void> {
    return this.shown.end();
  }
}

/** Shows nothing: for tests. */
export const silentProgress: Progress = { step: (_title, work) => work(() => undefined), end: () => Promise.resolve() };

/** One line when something happens: for pipes, logs and CI. */
export class LineProgress implements Progress {
  constructor(private readonly print: (line: string) => void = console.log) {}

  async step<T>(title: string, work: (say: Say) => Promise<T>, describe: (result: T) => string = () => ''): Promise<T> {
    const start = performance.now();
    const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
    try {
      const result = await work((text) => this.print(`… ${title}: ${text}`));
      this.print(`✔ ${[title, describe(result)].filter(Boolean).join(': ')} (${seconds()})`);
      return result;
    } catch (error) {
      this.print(error instanceof ClosedError ? `– ${title}: called off (${seconds()})` : `✖ ${title} (${seconds()})`);
      throw error;
    }
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}
