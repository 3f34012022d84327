import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome } from './home.js';
import { confirmed, type Purchase } from './purchase.js';
import { readPrivate, writePrivate } from './secrets.js';
import { ensureAccounts, publishAccounts, seedProducts } from './seed.js';

describe('seeding the shop', () => {
  const price = { amount: 4900, currency: 'EUR' };
  type Product = { sku: string; name: string; price: typeof price; available: number };
  let products: Product[];
  let puts: { sku: string; body: unknown }[];
  let server: Server;

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        if (request.method === 'PUT') puts.push({ sku: request.url!.split('/').pop()!, body: JSON.parse(text) });
        const second = request.url?.includes('cursor=next');
        const page = {
          items: products.slice(second ? 6 : 0, second ? undefined : 6),
          nextCursor: second || products.length <= 6 ? null : 'next',
        };
        response.end(JSON.stringify(request.url === '/auth/sessions' ? { accessToken: 't' } : page));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  const seed = () => {
    puts = [];
    return seedProducts(`http://127.0.0.1:${(server.address() as { port: number }).port}`, { email: 'm', password: 'p' });
  };
  const all = (available: (index: number) => number): Product[] =>
    Array.from({ length: 12 }, (_, i) => ({
      sku: `sku-${String(i + 1).padStart(3, '0')}`,
      name: `own ${i}`,
      price,
      available: available(i),
    }));

  it('adds what is missing', async () => {
    products = [];
    expect(await seed()).toEqual({ added: 12, restocked: 0 });
    expect(puts[0]).toEqual({ sku: 'sku-001', body: { name: 'Brass compass', price, stock: 1000 } });
  });

  it('puts back what is nearly sold out, with the name and price it has', async () => {
    products = all((index) => (index === 7 ? 3 : 900));
    expect(await seed()).toEqual({ added: 0, restocked: 1 });
    expect(puts).toEqual([{ sku: 'sku-008', body: { name: 'own 7', price, stock: 1000 } }]);
  });

  it('leaves a well-stocked shop alone', async () => {
    products = all(() => 100);
    expect(await seed()).toEqual({ added: 0, restocked: 0 });
    expect(puts).toEqual([]);
  });
});

it('takes only a confirmed purchase for a success', () => {
  const purchase: Purchase = { orderId: 'o', status: 'CONFIRMED', total: { amount: 1, currency: 'EUR' }, timeline: [], ms: 1 };
  expect(confirmed(purchase)).toBe(purchase);
  expect(() => confirmed({ ...purchase, status: 'REJECTED', reason: 'OUT_OF_STOCK' })).toThrow(
    'The purchase failed: order o is REJECTED (OUT_OF_STOCK)',
  );
});

describe('the first accounts', () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'ballast-home-'))));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('are made once, published once, and an operator is added to those of an earlier version', () => {
    const home = openHome(directory);
    const accounts = ensureAccounts(home);
    expect(Object.keys(accounts)).toEqual(['merchant', 'buyer', 'operator']);
    expect(ensureAccounts(home)).toEqual(accounts);
    expect([publishAccounts(home, accounts), publishAccounts(home, accounts)]).toEqual([true, false]);

    const { merchant, buyer } = accounts;
    writePrivate(home.bootstrap, {
      accounts: [
        { ...merchant, roles: ['merchant'] },
        { ...buyer, roles: [] },
      ],
    });
    writePrivate(home.credentials, { merchant, buyer });
    const more = ensureAccounts(home);
    expect(more).toEqual({ merchant, buyer, operator: { email: 'operator@ballast.example', password: expect.any(String) as string } });
    expect([publishAccounts(home, more), readPrivate(home.credentials)]).toEqual([true, more]);
  });
});
