import { eventually } from '@ballast/testing';
import { DevWorkspace } from './dev-workspace.js';

const portOffset = 19_000;
const controller = 'apps/cart/src/cart.controller.ts';
const cart = `http://127.0.0.1:${3002 + portOffset}`;

/** 401 where there is a route, for none is open; 404 where there is none. */
const statusOf = async (path: string) => (await fetch(`${cart}${path}`)).status;

describe('npm run dev', () => {
  let workspace: DevWorkspace;
  beforeAll(() => {
    workspace = new DevWorkspace();
    return workspace.start(portOffset);
  }, 400_000);
  afterAll(() => workspace.stop(), 60_000);

  /** The services whose processes are others than before. */
  const replacedSince = (before: Record<string, number | undefined>) => {
    const now = workspace.pids();
    return Object.keys(before)
      .filter((name) => now[name] !== before[name])
      .sort();
  };

  it('serves an edit of a service again, and touches no other', async () => {
    const before = workspace.pids();
    expect(await statusOf('/cart')).toBe(401);
    workspace.edit(controller, '@Get()', `@Get('edited')`);
    await workspace.says(/cart +changed src\/cart\.controller\.ts → serving again after [\d.]+ s/);
    expect([await statusOf('/cart/edited'), await statusOf('/cart')]).toEqual([401, 404]);
    expect(replacedSince(before)).toEqual(['cart']);
  });

  it('keeps what runs when an edit does not compile, and says where', async () => {
    const before = workspace.pids();
    const text = workspace.read(controller);
    workspace.write(controller, `${text.replace(`'edited'`, `'broken'`)}const wrong: number = 'text';\n`);
    await workspace.says(/✖ +apps\/cart\/src\/cart\.controller\.ts:\d+:7 Type 'string' is not assignable[^]*cart goes on as before/);
    workspace.write(controller, text.replace(`'edited'`, `'broken`));
    await workspace.says(/✖ +apps\/cart\/src\/cart\.controller\.ts:\d+:\d+ Unterminated string literal[^]*cart goes on as before/);
    expect([await statusOf('/cart/edited'), replacedSince(before)]).toEqual([401, []]);
    workspace.write(controller, text.replace(`'edited'`, `'mended'`));
    await workspace.says(/cart +changed .* → serving again/);
    expect([await statusOf('/cart/mended'), replacedSince(before)]).toEqual([401, ['cart']]);
  });

  it('replaces every service that is built from a library, and no other', async () => {
    const dependents = ['auth', 'cart', 'inventory', 'order', 'payment']; // psp speaks no messages
    const before = workspace.pids();
    workspace.write('libs/contracts/src/index.ts', `${workspace.read('libs/contracts/src/index.ts')}export const edited = true;\n`);
    for (const _ of dependents)
      await workspace.says(/(auth|cart|inventory|order|payment) +changed libs\/contracts\/src\/index\.ts → serving again/);
    expect(replacedSince(before)).toEqual(dependents);
  });

  it('shows the last words of a service that does not start, starts it no more, and takes the next edit', async () => {
    const main = workspace.read('apps/cart/src/main.ts');
    workspace.write('apps/cart/src/main.ts', `${main}\nthrow new Error('broken on purpose');\n`);
    const said = await workspace.says(/it is down until the next change/);
    expect(said).toMatch(/cart +changed src\/main\.ts ✖ cart ended while it started: /);
    expect(said).toContain('broken on purpose');
    expect(workspace.pids()['cart']).toBeUndefined();
    workspace.write('apps/cart/src/main.ts', main);
    await workspace.says(/cart +changed src\/main\.ts → serving again/);
    expect(await statusOf('/cart/mended')).toBe(401);
  });

  it('ends with what is on disk: new and deleted files, one that is older than the last build, edits in a row', async () => {
    workspace.write('apps/cart/src/path.ts', `export const path = 'new-file';\n`);
    workspace.edit(controller, `@Get('mended')`, '@Get(path)');
    workspace.edit(controller, 'import ', `import { path } from './path.js';\nimport `);
    await workspace.says(/cart +changed .* → serving again/);
    expect(await statusOf('/cart/new-file')).toBe(401);

    workspace.age('apps/cart/src/path.ts', `export const path = 'old-file';\n`);
    await workspace.says(/cart +changed src\/path\.ts → serving again/);
    expect(await statusOf('/cart/old-file')).toBe(401);

    workspace.remove('apps/cart/src/path.ts');
    await workspace.says(/Cannot find module '\.\/path\.js'[^]*cart goes on as before/);
    expect(await statusOf('/cart/old-file')).toBe(401);

    const old = workspace.pids()['cart'];
    workspace.edit(controller, `import { path } from './path.js';\n`, '');
    workspace.edit(controller, '@Get(path)', `@Get('one')`);
    workspace.edit(controller, `'one'`, `'two'`);
    await eventually(() => expect([undefined, old]).not.toContain(workspace.pids()['cart']), { timeout: 60_000 });
    workspace.edit(controller, `'two'`, `'three'`); // while a process loads the one before
    workspace.edit(controller, `'three'`, `'last'`);
    await eventually(async () => expect(await statusOf('/cart/last')).toBe(401), { timeout: 60_000 });
  });
});
