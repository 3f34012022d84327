import { Listr, type ListrTaskWrapper, type DefaultRenderer, type SimpleRenderer } from 'listr2';
import type { Progress, Say } from './progress.js';
import { ClosedError } from './scope.js';

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

interface Slot {
  title: string;
  task: Promise<Task>;
  open: (task: Task) => void;
  done: Promise<void>;
  settle: (outcome: 'done' | 'failed' | 'not reached') => void;
  begun: boolean;
}

/** A spinner for each step, for a terminal. The titles are known beforehand, so that a person sees what is still to come. */
export class ListrProgress implements Progress {
  readonly #slots: Slot[];
  readonly #shown: Promise<unknown>;

  constructor(titles: readonly string[]) {
    this.#slots = titles.map(slotOf);
    this.#shown = new Listr(
      this.#slots.map((slot) => ({
        title: slot.title,
        task: async (_: unknown, task: Task) => {
          slot.open(task);
          await slot.done;
        },
      })),
      {
        concurrent: true,
        exitOnError: false,
        rendererOptions: { showErrorMessage: false, collapseErrors: false },
        registerSignalListeners: false,
      },
    ).run();
  }

  async step<T>(title: string, work: (say: Say) => Promise<T>, describe: (result: T) => string = () => ''): Promise<T> {
    const slot = this.#slots.find((each) => each.title === title);
    if (!slot) return work(() => undefined);
    slot.begun = true;
    const task = await slot.task;
    const start = performance.now();
    const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
    try {
      const result = await work((text) => (task.title = `${title}: ${text}`));
      task.title = `${[title, describe(result)].filter(Boolean).join(': ')} (${seconds()})`;
      slot.settle('done');
      return result;
    } catch (error) {
      const calledOff = error instanceof ClosedError;
      task.title = `${title}${calledOff ? ': called off' : ''} (${seconds()})`;
      if (calledOff) task.skip(task.title);
      slot.settle(calledOff ? 'not reached' : 'failed');
      throw error;
    }
  }

  async end(): Promise<void> {
    for (const slot of this.#slots) {
      if (!slot.begun) {
        (await slot.task).skip(`${slot.title}: not reached`);
        slot.settle('not reached');
      }
    }
    await this.#shown;
  }
}

function slotOf(title: string): Slot {
  let open: Slot['open'] = () => undefined;
  let settle: Slot['settle'] = () => undefined;
  const task = new Promise<Task>((resolve) => (open = resolve));
  const done = new Promise<void>((resolve, reject) => {
    settle = (outcome) => (outcome === 'failed' ? reject(new Error(title)) : resolve());
  });
  done.catch(() => undefined);
  return { title, task, open, done, settle, begun: false };
}
