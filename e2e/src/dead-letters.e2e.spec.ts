import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, workspaceRoot } from '@ballast/testing';
import { Client } from 'pg';
import { platform } from './platform.js';
import { Shopper } from './shop.js';

jest.setTimeout(180_000);

const { gateway, home, services, credentials } = platform();
const sku = `sku-letter-${randomUUID().slice(0, 8)}`;

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command line, as a person uses it, without the build before it. */
const command = (tool: 'dlq' | 'ops', words: readonly string[], env: Record<string, string> = {}): Promise<Run> =>
  new Promise((resolve) => {
    const args = [join(workspaceRoot(), `tools/ops/dist/${tool}.js`), ...words];
    execFile(process.execPath, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
const dlq = (...words: string[]) => command('dlq', [...words, '--home', home]);
const ops = (...words: string[]) => command('ops', [...words, '--home', home]);

/** Cart's database as its owner changes it: the defect, and its repair. */
async function alterCart(statement: string): Promise<void> {
  const read = (file: string) => JSON.parse(readFileSync(join(home, file), 'utf8'));
  const [primary] = read('run.json').postgres.nodes as { host: string; port: number }[];
  const login = { database: 'cart', user: 'cart_owner', password: read('secrets.json').cartDatabaseOwnerPassword as string };
  const client = new Client({ host: primary!.host, port: primary!.port, ...login });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

interface Listed {
  id: string;
  key: string;
  reason: string;
  waitsFor?: string;
  trace: string;
}
const lettersOf = async (key: string): Promise<Listed[]> =>
  (JSON.parse((await dlq('list', '--json')).stdout) as Listed[]).filter((letter) => letter.key === key);

describe('a message that a service cannot handle', () => {
  let merchant: Shopper;
  const put = async (amount: number) => {
    const product = { name: 'Sealed letter', price: { amount, currency: 'EUR' }, stock: 5 };
    expect((await merchant.put(`/products/${sku}`, product)).status).toBe(200);
  };

  beforeAll(async () => {
    merchant = await Shopper.signIn(gateway, credentials.merchant);
    await alterCart(`ALTER TABLE catalogue ADD CONSTRAINT letter_refused CHECK (sku <> '${sku}') NOT VALID`);
  });
  afterAll(() => alterCart('ALTER TABLE catalogue DROP CONSTRAINT IF EXISTS letter_refused'));

  it('is listed by npm run dlq with those behind it; a replay before the repair fails, one after it has their effects in order, once', async () => {
    for (const amount of [100, 200, 300]) await put(amount);
    const letters = await eventually(
      async () => {
        const found = await lettersOf(sku);
        expect(found.map(({ reason }) => reason)).toEqual(['HANDLER_FAILED', 'KEY_PARKED', 'KEY_PARKED']);
        return found;
      },
      { timeout: 60_000 },
    );
    const ids = letters.map(({ id }) => id);
    expect(ids[0]).toMatch(/^cart-\d+$/);
    expect(letters[0]!.trace).toMatch(/[0-9a-f]{32}$/);

    const list = await dlq('list');
    expect([list.code, list.stderr]).toEqual([0, '']);
    expect(list.stdout).toMatch(new RegExp(`${ids[0]} +HANDLER_FAILED +3 +inventory\\.product-changed\\.v\\d+ +${sku}`));
    expect(list.stdout).toMatch(new RegExp(`${ids[1]} +KEY_PARKED .* waits for ${ids[0]}`));
    expect(list.stdout).toContain(`npm run dlq -- replay ${ids[0]} (and 2 behind it)`);
    const show = await dlq('show', ids[0]!);
    expect(show.stdout).toMatch(/letter_refused/);
    expect(show.stdout).toContain(`"sku":"${sku}"`);

    const early = await dlq('replay', ids[0]!);
    expect([early.code, early.stdout]).toEqual([1, expect.stringContaining(`✖ ${ids[0]}  failed again`) as string]);
    expect(early.stdout).toContain('It stays open with 2 behind it');
    const behind = await dlq('replay', ids[1]!);
    expect([behind.code, behind.stdout]).toEqual([1, expect.stringContaining(`npm run dlq -- replay ${ids[0]} comes first`) as string]);

    await alterCart('ALTER TABLE catalogue DROP CONSTRAINT letter_refused');
    const replay = await dlq('replay', ids[0]!);
    expect([replay.code, replay.stdout]).toEqual([0, ids.map((id) => `✔ ${id}  replayed\n`).join('')]);
    expect(await lettersOf(sku)).toEqual([]);
    const again = await dlq('replay', ids[0]!);
    expect([again.code, again.stdout]).toEqual([0, `✔ ${ids[0]}  was dealt with before: nothing was done\n`]);

    const buyer = await Shopper.register(gateway);
    await buyer.put(`/cart/items/${sku}`, { quantity: 1 });
    expect((await buyer.get('/cart')).body).toMatchObject({ items: [{ sku, unitPrice: { amount: 300 } }] });
    await put(400);
    await eventually(async () => expect((await buyer.get('/cart')).body).toMatchObject({ items: [{ unitPrice: { amount: 400 } }] }));

    const audit = JSON.parse((await ops('audit', '--service', 'cart', '--limit', '6', '--json')).stdout) as {
      outcome: string;
      detail: object;
    }[];
    expect(audit.map(({ outcome }) => outcome)).toEqual(['DONE', 'DONE', 'DONE', 'DONE', 'REFUSED', 'DONE']);
    expect(audit[3]!.detail).toEqual({ letter: ids[0]!.slice('cart-'.length), came: 'REPLAYED' });
  });
});

describe('the operator’s command lines', () => {
  it('show what waits, where it stands, and what is being read', async () => {
    const outbox = await ops('outbox');
    expect([outbox.code, outbox.stdout]).toEqual([
      0,
      expect.stringMatching(/^service +lane +waiting +oldest +parked +sent by\n/) as string,
    ]);
    for (const name of ['cart', 'inventory', 'order', 'payment']) expect(outbox.stdout).toMatch(new RegExp(`^${name} +0 `, 'm'));
    const lag = await ops('lag');
    expect([lag.code, lag.stdout]).toEqual([0, expect.stringMatching(/cart-0 +order\.events +\d+ +\d+/) as string]);
    expect((await ops('sagas', '--state', 'stuck')).code).toBe(0);
  });

  it('show the saga of an order, by the order’s id', async () => {
    const buyer = await Shopper.register(gateway);
    await buyer.put('/cart/items/sku-001', { quantity: 1 });
    const { body } = await buyer.post<{ orderId: string }>(
      '/cart/checkout',
      { paymentToken: 'tok_ok' },
      { 'idempotency-key': randomUUID() },
    );
    await eventually(async () => expect((await buyer.get(`/orders/${body.orderId}`)).body).toMatchObject({ status: 'CONFIRMED' }), {
      timeout: 60_000,
    });
    const saga = await ops('saga', body.orderId);
    expect(saga.code).toBe(0);
    expect(saga.stdout).toMatch(new RegExp(`^saga +order-${body.orderId}, checkout\\.v1\nstate +COMPLETED\n`));
    expect(saga.stdout).not.toContain('tok_ok');
    const resume = await ops('resume', body.orderId);
    expect([resume.code, resume.stderr]).toEqual([1, expect.stringContaining('(SAGA_NOT_STUCK)') as string]);
  });

  it.each([
    ['an id of no letter', ['show', 'cart-999999'], /cart: There is no dead letter 999999 here \(DEAD_LETTER_NOT_FOUND\)/],
    ['an id without its service', ['replay', '17'], /"17" is not an id: it names its service and a number, such as payment-17/],
    ['a service that there is not', ['show', 'card-17'], /There is no service "card" with messages here: one of .*cart/],
    ['an unknown command', ['relay', 'cart-17'], /There is no command "relay": one of list, show, replay, discard/],
    ['no command', [], /Say what: npm run dlq -- list, show, replay, discard; see --help/],
    ['an unknown option', ['list', '--tpoic', 'x'], /Unknown option '--tpoic'/],
  ])('say what is wrong with %s', async (_, words, message) => {
    const { code, stdout, stderr } = await dlq(...words);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
  });

  it('say so when nothing runs, and when the account is no operator', async () => {
    const nothing = await command('dlq', ['list', '--home', join(home, 'elsewhere')]);
    expect([nothing.code, nothing.stderr]).toEqual([
      1,
      expect.stringContaining('Nothing runs: start the platform with npm start') as string,
    ]);
    const { email, password } = credentials.merchant;
    const merchant = { BALLAST_OPERATOR_EMAIL: email, BALLAST_OPERATOR_PASSWORD: password };
    const refused = await command('dlq', ['list', '--home', home], merchant);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('does not have the role operator') as string]);
    const wrong = await command('dlq', ['list', '--home', home], { ...merchant, BALLAST_OPERATOR_PASSWORD: 'not it at all' });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining(`auth does not know ${email} by this password`) as string]);
  });
});

it('nothing of it is behind the gateway', async () => {
  const operator = await Shopper.signIn(gateway, credentials.operator);
  for (const path of ['/ops/v1/dead-letters', '/cart/../ops/v1/dead-letters', '/ops']) expect((await operator.get(path)).status).toBe(404);
  const own = await fetch(`${services['cart']!.url}/ops/v1/dead-letters`);
  expect(own.status).toBe(401);
});
