import { checkout, itemChange } from './cart.schema.js';

describe('a quantity', () => {
  it.each([0, 1, 999])('may be %s', (quantity) => expect(itemChange.safeParse({ quantity }).success).toBe(true));
  it.each([-1, 1000, 1.5, '2', null, undefined, NaN])('may not be %s', (quantity) =>
    expect(itemChange.safeParse({ quantity }).success).toBe(false),
  );
});

describe('a payment token', () => {
  it.each(['tok_ok', 'x'.repeat(200)])('may be %s', (paymentToken) => expect(checkout.safeParse({ paymentToken }).success).toBe(true));
  it.each(['', ' ', 'a b', 'tok\n', 'é', 'x'.repeat(201), 7, undefined])('may not be %j', (paymentToken) =>
    expect(checkout.safeParse({ paymentToken }).success).toBe(false),
  );
});
