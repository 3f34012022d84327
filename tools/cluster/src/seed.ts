import { existsSync } from 'node:fs';
import { randomSecret } from '@ballast/testing';
import type { Home } from './home.js';
import { readPrivate, writePrivate } from './secrets.js';
import { type Credentials, ShopClient } from './shop-client.js';

/** Who may sign in to a seeded shop. */
export interface Accounts {
  merchant: Credentials;
  buyer: Credentials;
  /** Speaks to the services' own ports, see docs/guides/operating.md: the gateway knows nothing that is only an operator's. */
  operator: Credentials;
}

/** Name and price in cents; the SKUs are sku-001, sku-002, … */
const catalogue: readonly (readonly [name: string, cents: number])[] = [
  ['Brass compass', 4900],
  ['Signal lantern', 3450],
  ['Manila rope, 20 m', 2800],
  ['Oilskin jacket', 12900],
  ['Bosun’s whistle', 1250],
  ['Chart of the North Sea', 1990],
  ['Deck knife', 3700],
  ['Enamel mug', 890],
  ['Wool watch cap', 1590],
  ['Ship’s bell', 8900],
  ['Marine chronometer', 24900],
  ['Bag of ballast stones', 590],
];
const onHand = 1_000;
/** Fewer than this are soon sold out. */
const low = 100;

interface BootstrapFile {
  accounts: (Credentials & { roles: string[] })[];
}

/**
 * The accounts people sign in with at first: their passwords are made once and handed to auth in its bootstrap file. One that an
 * earlier version did not make is added, and auth makes it at its next start.
 */
export function ensureAccounts(home: Home): Accounts {
  const { accounts } = existsSync(home.bootstrap) ? readPrivate<BootstrapFile>(home.bootstrap) : { accounts: [] };
  const before = accounts.length;
  const account = (name: keyof Accounts, roles: string[]): Credentials => {
    let found = accounts.find((each) => each.roles.join() === roles.join());
    if (!found) accounts.push((found = { email: `${name}@ballast.example`, password: randomSecret(), roles }));
    return { email: found.email, password: found.password };
  };
  const found = { merchant: account('merchant', ['merchant']), buyer: account('buyer', []), operator: account('operator', ['operator']) };
  if (accounts.length > before) writePrivate(home.bootstrap, { accounts });
  return found;
}

/** Leaves the accounts where people and programs find them. Returns whether any of them is new there. */
export function publishAccounts(home: Home, accounts: Accounts): boolean {
  const known = existsSync(home.credentials) ? readPrivate<Partial<Accounts>>(home.credentials) : {};
  if (Object.keys(accounts).every((role) => role in known)) return false;
  writePrivate(home.credentials, accounts);
  return true;
}

/**
 * Puts the products that are missing into the shop, through its public API, and those that are nearly sold out back on the
 * shelf, as their merchant left them otherwise. Returns how many of each.
 */
export async function seedProducts(gateway: string, merchant: Credentials): Promise<{ added: number; restocked: number }> {
  const shop = await ShopClient.signIn(gateway, merchant);
  const put = (sku: string, product: Omit<Product, 'sku' | 'available'>) =>
    shop.request('PUT', `/products/${sku}`, { body: { name: product.name, price: product.price, stock: onHand } });
  const known = await productsOf(shop);
  const done = { added: 0, restocked: 0 };
  for (const [index, [name, amount]] of catalogue.entries()) {
    const sku = `sku-${String(index + 1).padStart(3, '0')}`;
    const product = known.get(sku);
    if (!product) {
      await put(sku, { name, price: { amount, currency: 'EUR' } });
      done.added++;
    } else if (product.available < low) {
      await put(sku, product);
      done.restocked++;
    }
  }
  return done;
}

interface Product {
  sku: string;
  name: string;
  price: { amount: number; currency: string };
  available: number;
}

/** Ours are among the first only while nobody adds others: so page by page. */
async function productsOf(shop: ShopClient): Promise<Map<string, Product>> {
  const products = new Map<string, Product>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const path: string = `/products?limit=100${cursor && `&cursor=${cursor}`}`;
    const { body } = await shop.request<{ items: Product[]; nextCursor: string | null }>('GET', path);
    for (const product of body.items) products.set(product.sku, product);
    cursor = body.nextCursor;
  }
  return products;
}
