import { snapshot } from './snapshot.js';

describe('snapshot', () => {
  it('puts back what containers held, in place and at every depth', () => {
    const state = { list: [1], map: new Map([['k', ['v']]]), set: new Set(['s']), count: 1 } as Record<string, unknown>;
    const { list, map, set } = state as { list: number[]; map: Map<string, string[]>; set: Set<string> };
    const restore = snapshot(state);
    list.push(2);
    map.get('k')!.push('more');
    map.set('new', []);
    set.delete('s');
    Object.assign(state, { count: 2, added: true, list: [] });
    restore();
    expect(state).toEqual({ list: [1], map: new Map([['k', ['v']]]), set: new Set(['s']), count: 1 });
    expect(state['list']).toBe(list);
    expect(state['map']).toBe(map);
  });

  it('leaves alone what is not a container', () => {
    const item = Object.freeze({ a: 1 });
    const list = [item, new Date(0), 'text'];
    snapshot(list)();
    expect(list[0]).toBe(item);
  });
});
