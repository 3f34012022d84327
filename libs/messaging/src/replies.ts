import type { Tx } from '@ballast/database';
import { check, replySchema, replyType, type AnyCommand, type AnyDefinition, type Reply } from '@ballast/message';

/** An answer to a command that this service sent. */
export interface IncomingReply {
  /** The id of the command it answers. The same command may be answered more than once. */
  commandId: string;
  commandType: string;
  sagaId: string;
  /** As it came, not checked against its contract yet: see `Replies.check`. */
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
  private readonly commands: ReadonlyMap<string, AnyCommand>;

  /** `definitions`: every message of the system. */
  constructor(definitions: readonly AnyDefinition[] = []) {
    this.commands = new Map(definitions.flatMap((d) => (d.kind === 'command' ? [[d.type, d] as const] : [])));
  }

  handle(listener: ReplyListener): void {
    if (this.registered) throw new Error('Replies has a listener already: a service has one saga engine');
    this.registered = listener;
  }

  /**
   * What the contract lets through of a reply; throws `InvalidPayloadError`. For whoever acts on it: a replica that only keeps it for
   * one of a newer version must not judge it by its own, older contract.
   */
  check(commandType: string, reply: Reply): Reply {
    const command = this.commands.get(commandType);
    return command ? (check(replyType(command), replySchema(command), reply) as Reply) : reply;
  }

  get listener(): ReplyListener | undefined {
    return this.registered;
  }
}
