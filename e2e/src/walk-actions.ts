import fc from 'fast-check';

const buyer = fc.constantFrom(0, 1);
/** 0 and 1 are sold in EUR, 2 in JPY, 3 does not exist. */
const product = fc.constantFrom(0, 0, 1, 1, 2, 3);
const quantity = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 4 }) },
  fc.constantFrom<unknown>(-1, 1.5, 1000, '3', 1e9, null),
);
const stock = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 6 }) }, fc.constantFrom<unknown>(-1, 0.5, '6', null));
const amount = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 900 }) }, fc.constantFrom<unknown>(0, -1, 1.5, '1', 1e12));
const token = fc.constantFrom('tok_ok', 'tok_ok', 'tok_ok', 'tok_declined', 'tok_insufficient_funds', 'no token');
/** A key of its own, none, the last one again, or the last one with another body. */
const key = fc.constantFrom('fresh', 'fresh', 'fresh', 'none', 'again', 'reused');
const role = fc.constantFrom('merchant', 'merchant', 'merchant', 'buyer', 'nobody');

/** What a step of a walk does. */
export const actions = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), buyer, product, quantity }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), buyer, product }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('show' as const), buyer }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('checkout' as const), buyer, token, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read order' as const), buyer, owner: buyer }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('refund' as const),
      role,
      owner: buyer,
      amount,
      currency: fc.constantFrom('EUR', 'EUR', 'JPY'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stock' as const), role, product: fc.constantFrom(0, 1, 2), stock }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read product' as const), product }) },
);
export type Action = typeof actions extends fc.Arbitrary<infer A> ? A : never;
