import { Database, sampleEvery } from '@ballast/database';
import { gauge } from '@ballast/tracing';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Reservation } from './reservation.entity.js';

/** Longer than a checkout takes; what is held beyond it may have lost its saga. */
const ORPHANED_AFTER = '15 minutes';

const orphans = () => gauge('ballast_reservations_orphaned', `Reservations held for more than ${ORPHANED_AFTER}`);

/** Counts reservations nobody seems to end, for an alert: only a saga or an operator may end one. */
@Injectable()
export class ReservationMetrics implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private stop: () => void = () => undefined;

  constructor(private readonly db: Database) {}

  onApplicationBootstrap(): void {
    this.stop = sampleEvery(this.db, async () => orphans().set(await this.orphaned()));
  }

  beforeApplicationShutdown(): void {
    this.stop();
  }

  orphaned(): Promise<number> {
    return this.db.primary
      .createQueryBuilder(Reservation, 'reservation')
      .where(`state = 'HELD' AND since < now() - CAST(:age AS interval)`, { age: ORPHANED_AFTER })
      .getCount();
  }
}
