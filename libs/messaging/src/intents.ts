import { afterCommit, requireTransaction, type Tx } from '@ballast/database';
import { captureContext } from '@ballast/tracing';
import type { IntentDraft } from './intent.js';
import type { ClaimedIntent, IntentStore } from './intent.store.js';
import type { ReplyAddress } from './reply-address.js';

/** Who performs the intents of one kind, as the transaction that writes one sees it. */
export interface Performing {
  /** A place for an intent that is being written: for how long it is to be claimed, ms. Undefined when it has to wait in the table. */
  reserve(id: string): number | undefined;
  /** An intent with a place is committed. */
  begin(intent: ClaimedIntent): void;
  /** One without a place is. */
  wake(): void;
}

export interface IntentsSettings {
  store: IntentStore;
  newId: () => string;
  /** By kind: empty until the module has found the `@Perform` methods. */
  workers: Map<string, Performing>;
}

/**
 * Writes calls to the outside as rows of the transaction that wants them; a worker performs each after the commit, until it settles. Where this
 * process has a place free, the row is claimed as it is written: the commit that would claim it, and the look for it, are saved.
 */
export class Intents {
  constructor(private readonly settings: IntentsSettings) {}

  /** Performed if and only if the transaction commits, not before `runAt`. Throws outside a transaction, or when nothing performs the kind. */
  add(tx: Tx, draft: IntentDraft, o: { runAt?: Date } = {}): Promise<void> {
    return this.write(tx, draft, o);
  }

  /** With the command that awaits the outcome. */
  async write(tx: Tx, { definition, payload }: IntentDraft, o: { runAt?: Date; reply?: ReplyAddress }): Promise<void> {
    requireTransaction(tx);
    const { store, newId, workers } = this.settings;
    const worker = workers.get(definition.kind);
    if (!worker) throw new Error(`nothing performs the intent "${definition.kind}": add @Perform to a provider's method`);
    const intent = { id: newId(), kind: definition.kind, payload, trace: captureContext(), ...(o.reply && { reply: o.reply }) };
    const holdMs = o.runAt ? undefined : worker.reserve(intent.id);
    await store.add(tx, { ...intent, ...(o.runAt && { runAt: o.runAt }), ...(holdMs && { holdMs }) });
    // As it is when it is read from the table.
    const claimed = (): ClaimedIntent => ({ ...intent, payload: JSON.parse(JSON.stringify(payload)) as unknown, attempt: 1 });
    afterCommit(tx, () => (holdMs ? worker.begin(claimed()) : worker.wake()));
  }
}
