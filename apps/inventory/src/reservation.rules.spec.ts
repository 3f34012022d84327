import { mergeLines, shortageOf } from './reservation.rules.js';

const stock = [
  { sku: 'a', onHand: 10, reserved: 4 },
  { sku: 'b', onHand: 5, reserved: 5 },
];

describe('an order’s lines', () => {
  it('come in one order whatever the basket’s, so that two orders never wait for each other', () => {
    const lines = mergeLines([
      { sku: 'b', quantity: 1 },
      { sku: 'a', quantity: 2 },
    ]);
    expect(lines.map((line) => line.sku)).toEqual(['a', 'b']);
  });

  it('are one per SKU', () => {
    expect(
      mergeLines([
        { sku: 'a', quantity: 1 },
        { sku: 'a', quantity: 2 },
      ]),
    ).toEqual([{ sku: 'a', quantity: 3 }]);
  });
});

describe('stock', () => {
  it('can be held to the last piece', () => expect(shortageOf([{ sku: 'a', quantity: 6 }], stock)).toBeUndefined());
  it('cannot be held beyond what is neither sold nor held', () =>
    expect(shortageOf([{ sku: 'a', quantity: 7 }], stock)).toEqual({ code: 'OUT_OF_STOCK', sku: 'a' }));
  it('is short as a whole when one line is', () =>
    expect(
      shortageOf(
        [
          { sku: 'a', quantity: 1 },
          { sku: 'b', quantity: 1 },
        ],
        stock,
      ),
    ).toEqual({ code: 'OUT_OF_STOCK', sku: 'b' }));
  it('names an unknown SKU before a short one', () =>
    expect(
      shortageOf(
        [
          { sku: 'b', quantity: 1 },
          { sku: 'c', quantity: 1 },
        ],
        stock,
      ),
    ).toEqual({ code: 'UNKNOWN_SKU', sku: 'c' }));
});
