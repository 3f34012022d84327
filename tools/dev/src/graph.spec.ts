import { workspaceRoot } from '@ballast/testing';
import { ProjectGraph, readGraph } from './graph.js';
import { isSource } from './sources.js';

describe('the graph of projects', () => {
  const graph = new ProjectGraph(
    new Map([
      ['apps/a', ['libs/b']],
      ['libs/b', ['libs/c', 'libs/d']],
      ['libs/c', ['libs/d']],
      ['libs/d', []],
      ['libs/e', ['libs/d']],
    ]),
  );

  it('knows all that a project is built from', () => {
    expect(graph.closure('apps/a')).toEqual(['apps/a', 'libs/b', 'libs/c', 'libs/d']);
    expect(graph.closure('libs/e')).toEqual(['libs/d', 'libs/e']);
  });

  it('knows whose a file is', () => {
    expect([graph.projectOf('libs/b/src/x/y.ts'), graph.projectOf('docs/b/x.md'), graph.projectOf('package.json')]).toEqual([
      'libs/b',
      undefined,
      undefined,
    ]);
  });

  it('is read from what the compiler goes by', () => {
    const real = readGraph(workspaceRoot());
    expect(real.closure('apps/order')).toEqual(
      expect.arrayContaining(['apps/order', 'libs/saga', 'libs/messaging', 'libs/database', 'libs/tracing']),
    );
    expect(real.closure('apps/order')).not.toContain('libs/testing');
    expect(real.closure('libs/message')).toEqual(['libs/message']);
  });
});

describe('what is watched', () => {
  it.each([
    'apps',
    'apps/cart/src',
    'apps/cart/service.ts',
    'apps/cart/src/cart.service.ts',
    'libs/saga/package.json',
    'tsconfig.base.json',
  ])('is %s', (path) => expect(isSource(path, !/\.\w+$/.test(path))).toBe(true));
  it.each([
    'apps/cart/dist',
    'apps/cart/node_modules/x.ts',
    'apps/cart/src/cart.spec.ts',
    'apps/cart/test/a.ts',
    'apps/cart/README.md',
    'apps/cart/src/.x.ts.swp',
  ])('is not %s', (path) => expect(isSource(path, undefined)).toBe(false));
});
