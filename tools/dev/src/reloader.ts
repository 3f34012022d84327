import type { Diagnostic } from './diagnostics.js';
import type { ProjectGraph } from './graph.js';
import { type Outcome, type Replaceable, ServiceReload } from './service-reload.js';

/** What reloading needs of the world. */
export interface ReloadPorts {
  processes: readonly Replaceable[];
  /** Compiles what changed; the errors. */
  compile(): Promise<readonly Diagnostic[]>;
  /** Told of each changed file before it is compiled. */
  distrust(file: string, project: string): void;
  readGraph(): ProjectGraph;
  /** Of what is compiled of these projects. */
  fingerprint(projects: readonly string[]): string;
  /** How many services may start at the same time. */
  atOnce: number;
  tell(event: ReloadEvent): void;
}

export type ReloadEvent =
  | { kind: 'errors'; errors: readonly Diagnostic[]; held: readonly string[] }
  | { kind: 'nothing'; files: readonly string[]; mended: boolean }
  | { kind: 'outcome'; outcome: Outcome };

/**
 * From changed files to services that run them. It goes by what was compiled, not by the files' names: after each compilation a
 * service whose code, or that of a library it is built from, is not what it runs is replaced. So it ends with what is on disk
 * whatever happened in between. A service with an error in what it is built from is left alone.
 */
export class Reloader {
  readonly #processes: readonly { services: readonly string[]; reload: ServiceReload }[];
  #graph: ProjectGraph;
  #changed = new Map<string, number>();
  #running: Promise<void> | undefined;
  #stopped = false;
  #broken = false;
  #due = false;

  constructor(private readonly ports: ReloadPorts) {
    this.#graph = ports.readGraph();
    const inTurn = limit(ports.atOnce);
    this.#processes = ports.processes.map((process) => ({
      services: process.services,
      reload: new ServiceReload(
        process,
        () => ports.fingerprint(this.#closure(process.services)),
        inTurn,
        (outcome) => ports.tell({ kind: 'outcome', outcome }),
      ),
    }));
  }

  /** Looks once whether what is on disk is what runs: it may have changed while the platform started. */
  begin(): void {
    this.changed([]);
  }

  /** Files that were changed, made or deleted just now, from the workspace's root. */
  changed(files: readonly string[]): void {
    if (this.#stopped) return;
    for (const file of files) if (!this.#changed.has(file)) this.#changed.set(file, performance.now());
    this.#due = true;
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  /** Resolves when nothing is left to do. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
    await Promise.all(this.#processes.map(({ reload }) => reload.settled()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#running, ...this.#processes.map(({ reload }) => reload.stop())]);
  }

  async #run(): Promise<void> {
    const files = new Map<string, number>();
    while (this.#due && !this.#stopped) {
      this.#due = false;
      for (const [file, since] of this.#changed) if (!files.has(file)) files.set(file, since);
      for (const file of this.#changed.keys()) {
        const project = this.#graph.projectOf(file);
        if (project) this.ports.distrust(file, project);
      }
      this.#changed = new Map();
      const errors = await this.#compile();
      // What came meanwhile is compiled first: services started now would be replaced at once.
      if (this.#due || this.#stopped) continue;
      this.#apply(files, errors);
      files.clear();
    }
    this.#running = undefined; // in the same turn as the last look: no change falls in between
  }

  async #compile(): Promise<readonly Diagnostic[]> {
    try {
      const errors = await this.ports.compile();
      this.#graph = this.ports.readGraph();
      return errors;
    } catch (error) {
      return [{ code: 'dev', message: error instanceof Error ? error.message : String(error) }];
    }
  }

  #apply(files: ReadonlyMap<string, number>, errors: readonly Diagnostic[]): void {
    const since = Math.min(performance.now(), ...files.values());
    const broken = new Set(errors.map(({ file }) => file && this.#graph.projectOf(file)));
    const held: string[] = [];
    let replaced = 0;
    for (const { services, reload } of this.#processes) {
      const closure = this.#closure(services);
      if (broken.has(undefined) || closure.some((project) => broken.has(project))) held.push(...services);
      else if (
        reload.want(
          [...files.keys()].filter((file) => isIn(file, closure)),
          since,
        )
      )
        replaced += 1;
    }
    const mended = this.#broken && errors.length === 0;
    this.#broken = errors.length > 0;
    if (errors.length > 0) this.ports.tell({ kind: 'errors', errors, held });
    else if (replaced === 0 && (files.size > 0 || mended)) this.ports.tell({ kind: 'nothing', files: [...files.keys()], mended });
  }

  #closure(services: readonly string[]): string[] {
    return [...new Set(services.flatMap((service) => this.#graph.closure(`apps/${service}`)))].sort();
  }
}

const isIn = (file: string, projects: readonly string[]): boolean => projects.some((project) => file.startsWith(`${project}/`));

/** Runs at most so many at the same time, the others in the order they came. */
function limit(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
