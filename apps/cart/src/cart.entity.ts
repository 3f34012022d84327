import type { LineItem, Money } from '@ballast/contracts';
import { Column, Entity, JoinColumn, ManyToOne, OneToMany, PrimaryColumn, type Relation } from 'typeorm';
import { v5 as uuidv5 } from 'uuid';
import { errors } from './cart.errors.js';
import { CatalogueEntry, Price } from './catalogue.entity.js';

const NAMESPACE = '9c2a4f0e-5d0b-4f5c-8a53-0d1b1f9f6f6d';
const MAX_LINES = 100;

/** An account's basket. It has one that is not closed at most, by a unique index. */
@Entity()
export class Cart {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid', { name: 'account_id' })
  accountId: string;

  /** The account's first cart, second, and so on. */
  @Column('integer')
  number: number;

  @Column('text')
  status: 'OPEN' | 'CHECKING_OUT' | 'CLOSED';

  @Column('uuid', { name: 'order_id', nullable: true })
  orderId: string | null;

  /** Counts the changes of its items and of its status; 0 is a cart that was never written. */
  @Column('integer')
  version: number;

  @OneToMany(() => CartItem, (item) => item.cart)
  items: Relation<CartItem>[];

  /** The empty cart that follows the account's `last` one. Its id is known before it is stored, so that a GET needs no write. */
  static after(accountId: string, last: number): Cart {
    const number = last + 1;
    const id = uuidv5(`${accountId}/${number}`, NAMESPACE);
    return Object.assign(new Cart(), { id, accountId, number, status: 'OPEN', orderId: null, version: 0, items: [] });
  }

  /** Sets how many of a product are wanted, at its price of now. Returns the line; nothing when that is what it says already. */
  put(product: CatalogueEntry, quantity: number): CartItem | undefined {
    this.assertOpen();
    const others = this.items.filter((item) => item.sku !== product.sku);
    if (others.some((item) => item.price.currency !== product.price.currency)) throw errors.CURRENCY_MISMATCH(product.sku);
    if (others.length >= MAX_LINES) throw errors.FULL(MAX_LINES);
    let item = this.items.find((known) => known.sku === product.sku);
    if (item && item.quantity === quantity && item.isAtPriceOf(product)) return undefined;
    if (!item) {
      item = Object.assign(new CartItem(), { cartId: this.id, sku: product.sku, position: (this.items.at(-1)?.position ?? 0) + 1 });
      this.items.push(item);
    }
    item.quantity = quantity;
    item.bind(product);
    this.version += 1;
    return item;
  }

  /** Takes a product out; false when it was not in. */
  remove(sku: string): boolean {
    this.assertOpen();
    const left = this.items.filter((item) => item.sku !== sku);
    if (left.length === this.items.length) return false;
    this.items = left;
    this.version += 1;
    return true;
  }

  /** From here on names and prices stay as they are. Returns the lines whose price had moved since they were put in. */
  checkOut(orderId: string): CartItem[] {
    this.assertOpen();
    if (this.items.length === 0) throw errors.EMPTY();
    const foreign = this.items.find((item) => item.product.price.currency !== item.price.currency);
    if (foreign) throw errors.CURRENCY_MISMATCH(foreign.sku);
    const moved = this.items.filter((item) => !item.isAtPriceOf(item.product));
    for (const item of moved) item.bind(item.product);
    this.status = 'CHECKING_OUT';
    this.orderId = orderId;
    this.version += 1;
    return moved;
  }

  /** What it holds: at the catalogue's prices while open, at its own from the checkout on. */
  get lines(): LineItem[] {
    return this.items.map((item) => {
      const { name, price } = this.status === 'OPEN' ? item.current : item;
      return { sku: item.sku, name, quantity: item.quantity, unitPrice: { amount: price.amount, currency: price.currency } };
    });
  }

  private assertOpen(): void {
    if (this.status === 'CHECKING_OUT') throw errors.CHECKING_OUT(this.orderId!).with({ orderId: this.orderId });
  }
}

@Entity('cart_item')
export class CartItem {
  @PrimaryColumn('uuid', { name: 'cart_id' })
  cartId: string;

  @PrimaryColumn('text')
  sku: string;

  /** Items are shown in the order in which they were put in. */
  @Column('integer')
  position: number;

  @Column('integer')
  quantity: number;

  /** Name and price of when it was put in, and from the checkout on the ones that bind. */
  @Column('text')
  name: string;

  @Column(() => Price, { prefix: false })
  price: Price;

  @ManyToOne(() => Cart, (cart) => cart.items)
  @JoinColumn({ name: 'cart_id' })
  cart: Relation<Cart>;

  @ManyToOne(() => CatalogueEntry)
  @JoinColumn({ name: 'sku' })
  product: Relation<CatalogueEntry>;

  bind(product: CatalogueEntry): void {
    this.product = product;
    this.name = product.name;
    this.price = product.price;
  }

  isAtPriceOf({ name, price }: CatalogueEntry): boolean {
    return this.name === name && this.price.amount === price.amount && this.price.currency === price.currency;
  }

  /** A price is refreshed within its currency only: a basket has one, and a sum. */
  get current(): { name: string; price: Money } {
    return this.product.price.currency === this.price.currency ? this.product : this;
  }
}

/** The sum of lines, of which there is one at least and which share a currency. */
export function totalOf(lines: readonly LineItem[]): Money {
  return { amount: lines.reduce((sum, line) => sum + line.quantity * line.unitPrice.amount, 0), currency: lines[0]!.unitPrice.currency };
}
