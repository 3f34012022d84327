import { Database, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { Operation } from './operation.entity.js';

/** The processor's operations, one per key. */
export interface OperationStore {
  /** Writes the key down when it is new; whoever comes second waits here for the first. */
  record(tx: Tx, values: Partial<Operation> & { key: string }): Promise<void>;
  /** The operation, locked until the end of the transaction. */
  lock(tx: Tx, key: string): Promise<Operation | null>;
  find(tx: Tx, key: string): Promise<Operation | null>;
  save(tx: Tx, operation: Operation): Promise<Operation>;
  /** Keys of those whose work is over and whose end nobody has written yet. */
  due(): Promise<string[]>;
  /** What succeeded, in order of arrival, from the one after `cursor`. */
  succeeded(cursor: number, limit: number, reference?: string): Promise<Operation[]>;
}

@Injectable()
export class SqlOperationStore implements OperationStore {
  constructor(private readonly db: Database) {}

  async record(tx: Tx, values: Partial<Operation> & { key: string }): Promise<void> {
    await tx
      .createQueryBuilder()
      .insert()
      .into(Operation)
      .values({ state: 'received', amount: 0, captured: 0, refunded: 0, calls: 0, ...values })
      .orIgnore()
      .execute();
  }

  lock(tx: Tx, key: string): Promise<Operation | null> {
    return tx.findOne(Operation, { where: { key }, lock: { mode: 'pessimistic_write' } });
  }

  find(tx: Tx, key: string): Promise<Operation | null> {
    return tx.findOneBy(Operation, { key });
  }

  save(tx: Tx, operation: Operation): Promise<Operation> {
    return tx.save(operation);
  }

  async due(): Promise<string[]> {
    const due = await this.db.primary
      .createQueryBuilder(Operation, 'o')
      .select('o.key')
      .where(`o.state = 'processing' AND o.due_at <= now()`)
      .getMany();
    return due.map(({ key }) => key);
  }

  succeeded(cursor: number, limit: number, reference?: string): Promise<Operation[]> {
    const query = this.db.primary
      .createQueryBuilder(Operation, 'o')
      .where(`o.state = 'succeeded' AND o.seq > :cursor`, { cursor })
      .orderBy('o.seq')
      .take(limit);
    if (reference) query.andWhere('o.reference = :reference', { reference });
    return query.getMany();
  }
}
