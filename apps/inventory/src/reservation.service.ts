import type { Tx } from '@ballast/database';
import { refuse } from '@ballast/messaging';
import { Inject, Injectable } from '@nestjs/common';
import { mergeLines, shortageOf, type Line } from './reservation.rules.js';
import { SqlReservationStore, type ReservationStore } from './reservation.store.js';

/** Stock held for orders: all of an order's items or none. Each method may be repeated; the order's row says what was done. */
@Injectable()
export class ReservationService {
  constructor(@Inject(SqlReservationStore) private readonly store: ReservationStore) {}

  /** Refuses with `OUT_OF_STOCK` or `UNKNOWN_SKU`, or with `RESERVATION_RELEASED` when the release came first. */
  async reserve(tx: Tx, orderId: string, items: readonly Line[]) {
    await this.store.lockStock(tx);
    if (!(await this.store.begin(tx, orderId, 'HELD'))) return this.repeated(tx, orderId);
    const lines = mergeLines(items);
    const stock = await this.store.stockOf(
      tx,
      lines.map((line) => line.sku),
    );
    const shortage = shortageOf(lines, stock);
    if (shortage) {
      await this.store.refuse(tx, orderId, shortage.code);
      return refuse(shortage.code, `Nothing was held because of ${shortage.sku}`);
    }
    await this.store.hold(tx, orderId, lines);
    return {};
  }

  /** Gives held stock back; leaves a tombstone when nothing was held yet. Refuses with `RESERVATION_COMMITTED` after the commit. */
  async release(tx: Tx, orderId: string) {
    await this.store.lockStock(tx);
    if (await this.store.begin(tx, orderId, 'RELEASED')) return {};
    if (await this.store.end(tx, orderId, 'RELEASED')) await this.store.giveBack(tx, orderId);
    else if ((await this.store.find(tx, orderId))!.state === 'COMMITTED')
      return refuse('RESERVATION_COMMITTED', 'The stock has left the shelf');
    return {};
  }

  /** Takes held stock off the shelf for good. Refuses with `NOT_RESERVED` when nothing is held. */
  async commit(tx: Tx, orderId: string) {
    await this.store.lockStock(tx);
    if (await this.store.end(tx, orderId, 'COMMITTED')) await this.store.takeOff(tx, orderId);
    else if ((await this.store.find(tx, orderId))?.state !== 'COMMITTED') return refuse('NOT_RESERVED', 'Nothing is held');
    return {};
  }

  private async repeated(tx: Tx, orderId: string) {
    const { state, refusal } = (await this.store.find(tx, orderId))!;
    return state === 'RELEASED' ? refuse(refusal ?? 'RESERVATION_RELEASED', 'The order no longer holds stock') : {};
  }
}
