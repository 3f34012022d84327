import { Product } from './product.entity.js';
import { apply } from './product.service.js';

const euros = (amount: number) => ({ amount, currency: 'EUR' });
const lamp = () => Object.assign(new Product(), { sku: 'lamp', name: 'Lamp', price: euros(2500), onHand: 10, reserved: 4, version: 3 });

describe('a change of a product', () => {
  it('of its stock alone is nobody else’s business', () => {
    const product = lamp();
    expect(apply(product, { name: 'Lamp', price: euros(2500), stock: 4 })).toBe(false);
    expect(product).toMatchObject({ onHand: 4, version: 3 });
  });

  it.each([
    ['name', { name: 'Lantern', price: euros(2500), stock: 10 }],
    ['amount', { name: 'Lamp', price: euros(2600), stock: 10 }],
    ['currency', { name: 'Lamp', price: { amount: 2500, currency: 'USD' }, stock: 10 }],
  ])('of its %s is told to others as a newer version', (_, change) => {
    const product = lamp();
    expect(apply(product, change)).toBe(true);
    expect(product).toMatchObject({ name: change.name, price: change.price, version: 4 });
  });

  it('cannot set the stock below what is reserved', () => {
    const product = lamp();
    expect(() => apply(product, { name: 'Lamp', price: euros(2500), stock: 3 })).toThrow(
      expect.objectContaining({ code: 'PRODUCT_STOCK_BELOW_RESERVED', status: 409 }),
    );
    expect(product.onHand).toBe(10);
  });
});
