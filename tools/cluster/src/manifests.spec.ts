import { defineService } from '@ballast/service/manifest';
import { inOrderOfNeed } from './manifests.js';

const service = (name: string, port: number, rest: { routes?: string[]; needs?: string[] } = {}) =>
  defineService({ name, port, database: false, ...rest });

describe('the list of services', () => {
  it('puts what is needed before who needs it', () => {
    const sorted = inOrderOfNeed([service('payment', 1, { needs: ['psp'] }), service('cart', 2), service('psp', 3)]);
    expect(sorted.map(({ name }) => name)).toEqual(['psp', 'payment', 'cart']);
  });

  it('refuses a need nobody meets', () => {
    expect(() => inOrderOfNeed([service('payment', 1, { needs: ['psp'] })])).toThrow(
      'apps/payment/service.ts needs "psp", but there is no apps/psp/service.ts',
    );
  });

  it('refuses needs in a circle', () => {
    const circle = [service('a', 1, { needs: ['b'] }), service('b', 2, { needs: ['a'] })];
    expect(() => inOrderOfNeed(circle)).toThrow('Services need each other in a circle: a → b → a');
  });

  it('refuses a port or a route that two have', () => {
    expect(() => inOrderOfNeed([service('a', 1), service('b', 1)])).toThrow('apps/a and apps/b both have the port 1');
    expect(() => inOrderOfNeed([service('a', 1, { routes: ['/x'] }), service('b', 2, { routes: ['/x'] })])).toThrow(
      'apps/a and apps/b both have the route /x',
    );
  });
});
