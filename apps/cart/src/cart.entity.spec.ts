import { Cart, totalOf } from './cart.entity.js';
import { CatalogueEntry } from './catalogue.entity.js';

const ACCOUNT = '019f0000-0000-7000-8000-000000000001';
const ORDER = '019f0000-0000-7000-8000-0000000000aa';
const product = (sku: string, amount: number, currency = 'EUR') =>
  Object.assign(new CatalogueEntry(), { sku, name: `The ${sku}`, price: { amount, currency }, version: 1 });
const lamp = product('lamp', 2500);
const desk = product('desk', 19900);
const cart = () => Cart.after(ACCOUNT, 0);

describe('a cart', () => {
  it('has an id before it is stored: the same one at every look, another after each closed cart', () => {
    expect(cart().id).toBe(cart().id);
    expect(Cart.after(ACCOUNT, 1).id).not.toBe(cart().id);
    expect(Cart.after(ORDER, 0).id).not.toBe(cart().id);
    expect(cart()).toMatchObject({ status: 'OPEN', version: 0, lines: [] });
  });

  it('keeps its items in the order in which they were put in and adds them up', () => {
    const basket = cart();
    basket.put(desk, 1);
    basket.put(lamp, 2);
    basket.put(desk, 3);
    expect(basket.lines.map((line) => [line.sku, line.quantity])).toEqual([
      ['desk', 3],
      ['lamp', 2],
    ]);
    expect(totalOf(basket.lines)).toEqual({ amount: 3 * 19900 + 2 * 2500, currency: 'EUR' });
  });

  it('counts changes, not requests', () => {
    const basket = cart();
    basket.put(lamp, 1);
    expect(basket.put(lamp, 1)).toBeUndefined();
    expect(basket.remove('desk')).toBe(false);
    expect(basket.version).toBe(1);
    expect(basket.remove('lamp')).toBe(true);
    expect(basket.version).toBe(2);
  });

  it('holds one currency', () => {
    const basket = cart();
    basket.put(lamp, 1);
    expect(() => basket.put(product('mug', 900, 'USD'), 1)).toThrow(
      expect.objectContaining({ code: 'CART_CURRENCY_MISMATCH', status: 409 }),
    );
    basket.remove('lamp');
    expect(basket.put(product('mug', 900, 'USD'), 1)).toBeDefined();
  });

  it('takes 100 different products', () => {
    const basket = cart();
    for (let i = 0; i < 100; i += 1) basket.put(product(`sku-${i}`, 1), 1);
    expect(() => basket.put(lamp, 1)).toThrow(expect.objectContaining({ code: 'CART_FULL', status: 409 }));
    expect(basket.put(product('sku-7', 1), 2)).toBeDefined();
  });

  it('adds its largest content up exactly', () => {
    const basket = cart();
    for (let i = 0; i < 100; i += 1) basket.put(product(`sku-${i}`, 10_000_000_000), 999);
    expect(totalOf(basket.lines).amount).toBe(999_000_000_000_000);
  });
});

describe('prices', () => {
  it('are the catalogue’s while the cart is open, and bind from the checkout on', () => {
    const [basket, moving] = [cart(), product('lamp', 2500)];
    basket.put(moving, 2);
    Object.assign(moving, { price: { amount: 2700, currency: 'EUR' } });
    expect(basket.lines[0]!.unitPrice.amount).toBe(2700);
    expect(basket.checkOut(ORDER).map((item) => item.sku)).toEqual(['lamp']);
    basket.items[0]!.product = product('lamp', 9900);
    expect(basket.lines[0]!.unitPrice.amount).toBe(2700);
  });

  it('that move to another currency neither change the sum nor can be bought', () => {
    const [basket, moving] = [cart(), product('lamp', 2500)];
    basket.put(moving, 2);
    basket.put(desk, 1);
    moving.price = { amount: 2900, currency: 'USD' };
    expect(totalOf(basket.lines)).toEqual({ amount: 24900, currency: 'EUR' });
    expect(() => basket.checkOut(ORDER)).toThrow(expect.objectContaining({ code: 'CART_CURRENCY_MISMATCH' }));
    expect(basket.status).toBe('OPEN');
  });
});

describe('a checkout', () => {
  it('of an empty cart is refused', () =>
    expect(() => cart().checkOut(ORDER)).toThrow(expect.objectContaining({ code: 'CART_EMPTY', status: 409 })));

  it('freezes the cart, and tells which order it became', () => {
    const basket = cart();
    basket.put(lamp, 1);
    basket.checkOut(ORDER);
    expect(basket).toMatchObject({ status: 'CHECKING_OUT', orderId: ORDER, version: 2 });
    const refused = expect.objectContaining({ code: 'CART_CHECKING_OUT', status: 409, members: { orderId: ORDER } }) as Error;
    expect(() => basket.put(lamp, 2)).toThrow(refused);
    expect(() => basket.remove('lamp')).toThrow(refused);
    expect(() => basket.checkOut(ORDER)).toThrow(refused);
  });
});
