import { parseDiagnostics } from './diagnostics.js';
import { eventLines, restartNote } from './event-lines.js';

describe('what a person sees', () => {
  it('of a service that serves again', () => {
    const outcome = { name: 'cart', files: ['apps/cart/src/cart.service.ts'], seconds: 1.84, away: [] };
    expect(eventLines({ kind: 'outcome', outcome })).toEqual(['cart       changed src/cart.service.ts → serving again after 1.8 s']);
    const more = { name: 'order', files: ['libs/saga/src/a.ts', 'libs/saga/src/b.ts'], seconds: 3, away: ['broker'] };
    expect(eventLines({ kind: 'outcome', outcome: more })).toEqual([
      'order      changed libs/saga/src/a.ts and 1 more → serving again after 3.0 s, still without broker',
    ]);
  });

  it('of one that did not start', () => {
    const outcome = { name: 'cart', files: ['apps/cart/src/a.ts'], seconds: 1, failure: 'cart ended while it started: boom' };
    expect(eventLines({ kind: 'outcome', outcome }).join('\n')).toBe(
      'cart       changed src/a.ts ✖ cart ended while it started: boom\n           it is down until the next change',
    );
  });

  it('of errors: where an editor finds them, and who goes on', () => {
    const output =
      "apps/cart/src/a.ts(12,5): error TS2322: Type 'string' is not assignable to type 'number'.\n  a further line\nerror TS5083: Cannot read file 'x'.\n";
    const errors = parseDiagnostics(output);
    expect(eventLines({ kind: 'errors', errors, held: ['cart'] })).toEqual([
      "✖          apps/cart/src/a.ts:12:5 Type 'string' is not assignable to type 'number'. (TS2322)",
      "✖          Cannot read file 'x'. (TS5083)",
      '           not compiled: cart goes on as before',
    ]);
  });

  it('of what a reload cannot take up', () => {
    expect(restartNote('apps/cart/service.ts', ['cart'])).toContain(
      'its port, routes, database and neighbours will be taken up when npm run dev is started again',
    );
    expect(restartNote('apps/new/service.ts', ['cart'])).toContain('the new service will be');
    expect(restartNote('apps/cart/src/service.ts', ['cart'])).toBeUndefined();
  });
});
