import type { Diagnostic } from './diagnostics.js';
import { ProjectGraph } from './graph.js';
import { Reloader, type ReloadEvent } from './reloader.js';

const graph = new ProjectGraph(
  new Map([
    ['apps/cart', ['libs/saga']],
    ['apps/auth', ['libs/tracing']],
    ['libs/saga', ['libs/tracing']],
    ['libs/tracing', []],
  ]),
);

/** A workspace in memory: what is on disk, what is compiled of it, what each process runs. */
class Workspace {
  readonly disk = new Map([...['apps/cart', 'apps/auth', 'libs/saga', 'libs/tracing'].map((project): [string, string] => [project, 'v1'])]);
  readonly compiled = new Map(this.disk);
  readonly serving = new Map([
    ['cart', 'v1 v1 v1'],
    ['auth', 'v1 v1'],
  ]);
  readonly replaced: string[] = [];
  readonly events: ReloadEvent[] = [];
  errors: Diagnostic[] = [];
  compilations = 0;
  whileCompiling: () => void = () => undefined;
  whileStarting: (name: string) => Promise<void> | void = () => undefined;

  readonly reloader = new Reloader({
    processes: ['cart', 'auth'].map((name) => ({ name, services: [name], replace: ({ signal }) => this.#replace(name, signal) })),
    compile: async () => {
      this.compilations += 1;
      const seen = new Map(this.disk);
      this.whileCompiling();
      await Promise.resolve();
      const broken = new Set(this.errors.map(({ file }) => graph.projectOf(file!)));
      for (const [project, text] of seen) if (!broken.has(project)) this.compiled.set(project, text);
      return this.errors;
    },
    distrust: () => undefined,
    readGraph: () => graph,
    fingerprint: (projects) => projects.map((project) => this.compiled.get(project)).join(' '),
    atOnce: 2,
    tell: (event) => this.events.push(event),
  });

  edit(file: string, text: string): void {
    this.disk.set(graph.projectOf(file)!, text);
    this.reloader.changed([file]);
  }

  async #replace(name: string, signal: AbortSignal): Promise<{ away: string[] }> {
    this.replaced.push(name);
    const loaded = graph.closure(`apps/${name}`).map((project) => this.compiled.get(project));
    await this.whileStarting(name);
    signal.throwIfAborted();
    this.serving.set(name, loaded.join(' '));
    return { away: [] };
  }
}

describe('reloading', () => {
  let workspace: Workspace;
  beforeEach(() => (workspace = new Workspace()));
  const outcomes = () => workspace.events.flatMap((event) => (event.kind === 'outcome' ? [event.outcome] : []));

  it('replaces the one service whose code changed', async () => {
    workspace.edit('apps/cart/src/a.ts', 'v2');
    await workspace.reloader.settled();
    expect(workspace.replaced).toEqual(['cart']);
    expect(workspace.serving.get('cart')).toBe('v2 v1 v1');
    expect(outcomes()).toEqual([{ name: 'cart', files: ['apps/cart/src/a.ts'], seconds: expect.any(Number), away: [] }]);
  });

  it('replaces every service that is built from a library, directly or not', async () => {
    workspace.edit('libs/tracing/src/a.ts', 'v2');
    await workspace.reloader.settled();
    expect(workspace.replaced.sort()).toEqual(['auth', 'cart']);
    workspace.replaced.length = 0;
    workspace.edit('libs/saga/src/a.ts', 'v2');
    await workspace.reloader.settled();
    expect(workspace.replaced).toEqual(['cart']);
  });

  it('replaces nothing for a change the compiler makes nothing of', async () => {
    workspace.edit('apps/cart/src/a.ts', 'v1');
    await workspace.reloader.settled();
    expect([workspace.replaced, workspace.events]).toEqual([[], [{ kind: 'nothing', files: ['apps/cart/src/a.ts'], mended: false }]]);
  });

  it('leaves what does not compile, and what is built from it, as it is', async () => {
    workspace.errors = [{ file: 'libs/saga/src/a.ts', line: 1, column: 1, code: 'TS2322', message: 'no' }];
    workspace.edit('libs/saga/src/a.ts', 'broken');
    workspace.edit('libs/tracing/src/a.ts', 'v2');
    await workspace.reloader.settled();
    expect(workspace.replaced).toEqual(['auth']);
    expect(workspace.events[0]).toEqual({ kind: 'errors', errors: workspace.errors, held: ['cart'] });
    workspace.errors = [];
    workspace.edit('libs/saga/src/a.ts', 'v1');
    await workspace.reloader.settled();
    expect(workspace.serving.get('cart')).toBe('v1 v1 v2');
  });

  it('compiles again before it starts anything when there was an edit meanwhile', async () => {
    workspace.whileCompiling = () => {
      workspace.whileCompiling = () => undefined;
      workspace.edit('apps/cart/src/b.ts', 'v3');
    };
    workspace.edit('apps/cart/src/a.ts', 'v2');
    await workspace.reloader.settled();
    expect([workspace.compilations, workspace.replaced, workspace.serving.get('cart')]).toEqual([2, ['cart'], 'v3 v1 v1']);
    expect(outcomes()[0]?.files).toEqual(['apps/cart/src/a.ts', 'apps/cart/src/b.ts']);
  });

  it('ends with the last edit when one comes while a service starts', async () => {
    let edits = 0;
    workspace.whileStarting = async () => {
      if (edits++ < 3) workspace.edit('apps/cart/src/a.ts', `v${edits + 10}`);
      await new Promise((resolve) => setImmediate(resolve));
    };
    workspace.edit('apps/cart/src/a.ts', 'v2');
    await workspace.reloader.settled();
    expect(workspace.serving.get('cart')).toBe('v13 v1 v1');
    expect(outcomes()).toHaveLength(1);
  });

  it('ends with what is on disk when an edit is taken back while a service starts', async () => {
    workspace.whileStarting = async () => {
      workspace.whileStarting = () => undefined;
      workspace.edit('apps/cart/src/a.ts', 'v1');
      await new Promise((resolve) => setImmediate(resolve));
    };
    workspace.edit('apps/cart/src/a.ts', 'v2');
    await workspace.reloader.settled();
    expect(workspace.serving.get('cart')).toBe('v1 v1 v1');
  });

  it('tells why a service did not start, and tries again with its next change only', async () => {
    workspace.whileStarting = () => Promise.reject(new Error('cart ended while it started: boom'));
    workspace.edit('apps/cart/src/a.ts', 'v2');
    await workspace.reloader.settled();
    expect(outcomes()).toEqual([expect.objectContaining({ name: 'cart', failure: 'cart ended while it started: boom' })]);
    workspace.whileStarting = () => undefined;
    workspace.edit('apps/auth/src/a.ts', 'v2');
    await workspace.reloader.settled();
    expect(workspace.replaced).toEqual(['cart', 'auth']);
    workspace.reloader.changed(['apps/cart/src/a.ts']);
    await workspace.reloader.settled();
    expect(workspace.serving.get('cart')).toBe('v2 v1 v1');
  });

  it('starts nothing once it is stopped', async () => {
    workspace.edit('apps/cart/src/a.ts', 'v2');
    await workspace.reloader.stop();
    workspace.edit('apps/cart/src/a.ts', 'v3');
    await workspace.reloader.settled();
    expect(workspace.replaced).toEqual([]);
  });
});
