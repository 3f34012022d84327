import type { Tx } from '@ballast/database';
import type { Reply } from '@ballast/message';

/** An answer to a command that this service sent. */
export interface IncomingReply {
  /** The id of the command it answers. The same command may be answered more than once. */
  commandId: string;
  commandType: string;
  sagaId: string;
  reply: Reply;
  trace: Record<string, string>;
}

export type ReplyListener = (reply: IncomingReply, tx: Tx) => Promise<void>;

/**
 * Where the saga engine takes answers. Register in `onModuleInit`, since a service joins its replies topic only when someone
 * listens. The listener runs in the transaction of the inbox row: each delivered reply has its effect once, in order per saga.
 */
export class Replies {
  private registered?: ReplyListener;

  handle(listener: ReplyListener): void {
    if (this.registered) throw new Error('Replies has a listener already: a service has one saga engine');
    this.registered = listener;
  }

  get listener(): ReplyListener | undefined {
    return this.registered;
  }
}
