import { afterCommit, requireTransaction, type Tx } from '@ballast/database';
import { captureContext } from '@ballast/tracing';
import type { IntentDraft } from './intent.js';
import type { IntentStore } from './intent.store.js';
import type { ReplyAddress } from './reply-address.js';
import type { Wakeup } from './wakeup.js';

export interface IntentsSettings {
  store: IntentStore;
  newId: () => string;
  /** The worker's bell per kind: empty until the module has found the `@Perform` methods. */
  workers: Map<string, Wakeup>;
}

/** Writes calls to the outside as rows of the transaction that wants them; a worker performs each after the commit, until it settles. */
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
    await store.add(tx, { id: newId(), kind: definition.kind, payload, trace: captureContext(), ...o });
    afterCommit(tx, () => worker.wake());
  }
}
