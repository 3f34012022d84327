import { defineErrors, errorTable } from './problem.js';

const errors = defineErrors('SPEC', { EMPTY: [409, 'Cart %s has %s items'], PLAIN: [404, 'Nothing'] });

describe('defineErrors', () => {
  it('makes errors that can be thrown, with a stable code and a filled text', () => {
    expect(errors.EMPTY('c1', 0)).toMatchObject({ code: 'SPEC_EMPTY', status: 409, message: 'Cart c1 has 0 items' });
    expect(errors.PLAIN()).toBeInstanceOf(Error);
  });

  it('does not read a value as a pattern', () => {
    expect(errors.EMPTY('%s$&', 1).detail).toBe('Cart %s$& has 1 items');
  });

  it('asks for exactly the values of its text', () => {
    // @ts-expect-error one value is missing
    errors.EMPTY('c1');
    // @ts-expect-error it takes none
    errors.PLAIN('x');
  });

  it('refuses a code with two meanings, and a status that is no error', () => {
    expect(() => defineErrors('SPEC', { PLAIN: [410, 'Nothing'] })).toThrow('SPEC_PLAIN is declared twice');
    expect(() => defineErrors('SPEC', { FINE: [200, 'ok'] })).toThrow(TypeError);
  });

  it('lists every code', () => {
    expect(errorTable()).toMatch(/^\| `SPEC_EMPTY` +\| 409 +\| Cart … has … items +\|$/m);
  });
});
