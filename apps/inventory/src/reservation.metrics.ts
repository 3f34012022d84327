import { Database } from '@ballast/database';
import { gauge } from '@ballast/tracing';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Reservation } from './reservation.entity.js';

/** Longer than a checkout takes; what is held beyond it may have lost its saga. */
const ORPHANED_AFTER = '15 minutes';

/** Counts reservations nobody seems to end, for an alert: only a saga or an operator may end one. */
@Injectable()
export class ReservationMetrics implements OnModuleInit {
  constructor(private readonly db: Database) {}

  onModuleInit(): void {
    gauge('ballast_reservations_orphaned', `Reservations held for more than ${ORPHANED_AFTER}`, [], async (gauge) => {
      gauge.set(await this.orphaned());
    });
  }

  orphaned(): Promise<number> {
    return this.db.primary
      .createQueryBuilder(Reservation, 'reservation')
      .where(`state = 'HELD' AND since < now() - CAST(:age AS interval)`, { age: ORPHANED_AFTER })
      .getCount();
  }
}
