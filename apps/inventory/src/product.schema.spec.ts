import { productChange, productQuery, sku } from './product.schema.js';

const change = { name: 'Lamp', price: { amount: 2500, currency: 'EUR' }, stock: 10 };

describe('a product’s data', () => {
  it.each(['sku-001', 'A.b_c-9', 'x'.repeat(64)])('takes the SKU %s', (text) => expect(sku.safeParse(text).success).toBe(true));
  it.each(['', 'a b', 'a/b', 'é', 'a\u0000', 'a\n', 'x'.repeat(65)])('refuses the SKU %j', (text) =>
    expect(sku.safeParse(text).success).toBe(false),
  );

  it.each([
    ['as it should be', {}],
    ['free of charge and sold out', { price: { amount: 0, currency: 'JPY' }, stock: 0 }],
    ['with a name of 200 characters', { name: 'n'.repeat(200) }],
  ])('is fine %s', (_, part) => expect(productChange.safeParse({ ...change, ...part }).success).toBe(true));

  it.each([
    ['without a name', { name: '  ' }],
    ['with a name of 201 characters', { name: 'n'.repeat(201) }],
    ['with a control character in its name', { name: 'a\u0000b' }],
    ['with a fraction of a cent', { price: { amount: 1.5, currency: 'EUR' } }],
    ['with a negative price', { price: { amount: -1, currency: 'EUR' } }],
    ['with a price that could overflow a total', { price: { amount: 10_000_000_001, currency: 'EUR' } }],
    ['with a price as text', { price: { amount: '1', currency: 'EUR' } }],
    ['in a currency that does not exist', { price: { amount: 1, currency: 'EUX' } }],
    ['in a lower-case currency', { price: { amount: 1, currency: 'eur' } }],
    ['with a negative stock', { stock: -1 }],
    ['with a stock beyond 1e9', { stock: 1_000_000_001 }],
    ['without a stock', { stock: undefined }],
  ])('is refused %s', (_, part) => expect(productChange.safeParse({ ...change, ...part }).success).toBe(false));
});

describe('the query of the list', () => {
  it.each(['0', '201', '1.5', '-1', 'ten', ''])('says what a limit may be to %j', (limit) => {
    expect(productQuery.safeParse({ limit }).error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [['limit'], 'must be a whole number from 1 to 200'],
    ]);
  });

  it('has a default', () => expect(productQuery.parse({}).limit).toBe(50));
});
