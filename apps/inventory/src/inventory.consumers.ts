import { commitStock, releaseStock, reserveStock } from '@ballast/contracts';
import type { Tx } from '@ballast/database';
import type { CommandOf } from '@ballast/message';
import { Consume } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { ReservationService } from './reservation.service.js';

@Injectable()
export class InventoryConsumers {
  constructor(private readonly reservations: ReservationService) {}

  @Consume(reserveStock)
  reserve({ payload }: CommandOf<typeof reserveStock>, tx: Tx) {
    return this.reservations.reserve(tx, payload.orderId, payload.items);
  }

  @Consume(releaseStock)
  release({ payload }: CommandOf<typeof releaseStock>, tx: Tx) {
    return this.reservations.release(tx, payload.orderId);
  }

  @Consume(commitStock)
  commit({ payload }: CommandOf<typeof commitStock>, tx: Tx) {
    return this.reservations.commit(tx, payload.orderId);
  }
}
