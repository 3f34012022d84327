import { Database, type Tx } from '@ballast/database';
import type { Reply } from '@ballast/message';
import type { IncomingReply } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';

/** A reply that a replica has set aside because it does not have the saga's definition. */
export interface ParkedReply extends IncomingReply {
  /** In the order in which they came. */
  id: string;
}

/** Where replies wait for a replica that has their saga's definition. */
export interface ParkedReplyStore {
  /** Call it with the saga's row locked: then whoever takes the reply sees the saga as it is. */
  park(tx: Tx, reply: IncomingReply): Promise<void>;
  /** The first ones to sagas of these definitions; without those that could not be taken. */
  waiting(definitions: readonly string[], limit: number): Promise<ParkedReply[]>;
  /** Takes it out; false when somebody else has taken it. */
  take(tx: Tx, id: string): Promise<boolean>;
  /** It cannot be acted on: it stays, for a person to look at. */
  refuse(id: string, error: string): Promise<void>;
  count(): Promise<number>;
}

/** In the table `saga_parked_reply`. */
@Injectable()
export class PostgresParkedReplyStore implements ParkedReplyStore {
  constructor(private readonly database: Database) {}

  async park(tx: Tx, { sagaId, commandId, commandType, reply, trace }: IncomingReply): Promise<void> {
    await tx.query(`INSERT INTO saga_parked_reply (saga_id, command_id, command_type, reply, trace) VALUES ($1, $2, $3, $4, $5)`, [
      ...[sagaId, commandId, commandType, JSON.stringify(reply), JSON.stringify(trace)],
    ]);
  }

  async waiting(definitions: readonly string[], limit: number): Promise<ParkedReply[]> {
    const rows = await this.database.primary.query<Row[]>(
      `SELECT parked.id, saga_id, command_id, command_type, reply, parked.trace
       FROM saga_parked_reply parked JOIN saga ON saga.id = saga_id
       WHERE error IS NULL AND definition = ANY ($1) ORDER BY parked.id LIMIT $2`,
      [definitions, limit],
    );
    return rows.map(({ saga_id: sagaId, command_id: commandId, command_type: commandType, ...row }) => ({
      ...row,
      ...{ sagaId, commandId, commandType },
    }));
  }

  async take(tx: Tx, id: string): Promise<boolean> {
    const [, taken] = await tx.query<[unknown, number]>(`DELETE FROM saga_parked_reply WHERE id = $1`, [id]);
    return taken > 0;
  }

  async refuse(id: string, error: string): Promise<void> {
    await this.database.primary.query(`UPDATE saga_parked_reply SET error = $2 WHERE id = $1`, [id, error]);
  }

  async count(): Promise<number> {
    const [{ count }] = await this.database.primary.query<[{ count: number }]>(`SELECT count(*)::int AS count FROM saga_parked_reply`);
    return count;
  }
}

interface Row {
  id: string;
  saga_id: string;
  command_id: string;
  command_type: string;
  reply: Reply;
  trace: Record<string, string>;
}
