import { CommitUnknownError, sqlState, type Tx } from '@ballast/database';
import { PartlySentError } from '@ballast/messaging';
import type { InboxStore, RelayStore } from '@ballast/messaging/parts';
import { Payment, type PaymentProvider, type ProviderAnswer, type RefundService } from '@ballast/payment/domain';
import { Operation } from '@ballast/psp/domain';
import type { CheckName } from './checks.js';
import type { Place, Seams } from './seams.js';

/** A bug as it has been written somewhere: one safeguard of the platform is missing. */
export interface Mutation {
  /** The safeguard that is missing. */
  without: string;
  seams: Partial<Seams>;
  /** Checks of which one at least must find it. */
  foundBy: readonly CheckName[];
}

/** The part with some of its methods in other hands. */
const instead = <T extends object>(part: T, methods: Partial<T>): T => Object.assign(Object.create(part) as T, methods);

const inbox = (change: (store: InboxStore, place: Place) => Partial<InboxStore>): Partial<Seams> => ({
  inboxStore: (store, place) => instead(store, change(store, place)),
});
const relayStore = (change: (store: RelayStore, place: Place) => Partial<RelayStore>): Partial<Seams> => ({
  relayStore: (store, place) => instead(store, change(store, place)),
});

export const mutations: Readonly<Record<string, Mutation>> = {
  'inbox-says-always-fresh': {
    without: 'the inbox: a message that comes again is handled again',
    seams: inbox((store) => ({
      claim: async (tx, topic, messages, keys) => ({
        ...(await store.claim(tx, topic, messages, keys)),
        fresh: new Set(messages.map(({ id }) => id)),
      }),
    })),
    foundBy: ['once'],
  },
  'inbox-row-outlives-a-rollback': {
    without: 'inbox row and effect in one transaction: the row is there although the effect was rolled back',
    seams: {
      inboxStore: (store, { service }) => {
        const seen = new Set<string>();
        return instead(store, {
          claim: async (tx, topic, messages, keys) => {
            const claimed = await store.claim(tx, topic, messages, keys);
            const fresh = new Set([...claimed.fresh].filter((id) => !seen.has(`${service}/${id}`)));
            for (const id of fresh) seen.add(`${service}/${id}`);
            return { ...claimed, fresh };
          },
        });
      },
    },
    foundBy: ['once', 'final'],
  },
  'offset-before-effect': {
    without: 'the offset after the effect: it is committed before the batch is worked on',
    seams: {
      transport: (transport) =>
        instead(transport, {
          subscribe: (options) =>
            transport.subscribe({
              ...options,
              onBatch: async (batch) => {
                await batch.commit(String(BigInt(batch.records.at(-1)!.offset) + 1n));
                await options.onBatch(instead(batch, { commit: () => Promise.resolve() }));
              },
            }),
        }),
    },
    foundBy: ['once', 'final'],
  },
  'dedup-by-offset': {
    without: 'duplicates told by the message id: they are told by topic and offset, so what was sent twice is done twice',
    seams: {
      transport: (transport) =>
        instead(transport, {
          subscribe: (options) =>
            transport.subscribe({
              ...options,
              onBatch: (batch) =>
                options.onBatch(
                  instead(batch, {
                    records: batch.records.map((record) => ({
                      ...record,
                      headers: { ...record.headers, ce_id: `${record.headers['ce_id']}@${batch.partition}/${record.offset}` },
                    })),
                  }),
                ),
            }),
        }),
    },
    foundBy: ['once', 'final'],
  },
  'relay-removes-before-sending': {
    without: 'at least once: the relay deletes a row before the broker has it',
    seams: relayStore((store, { tables }) => ({
      pending: async (lane, limit) => {
        const rows = await store.pending(lane, limit);
        for (const { id } of rows) tables.outbox.delete(Number(id));
        return rows;
      },
    })),
    foundBy: ['once', 'final'],
  },
  'relay-in-no-order': {
    without: 'the order of ids: rows are taken as parallel relays with SKIP LOCKED would send them',
    seams: relayStore((store, { world }) => ({
      pending: async (lane, limit) => shuffled(await store.pending(lane, limit), world.random.next),
    })),
    foundBy: ['order'],
  },
  'outage-counts-as-failure': {
    without: 'the difference between an outage and poison: whatever fails three times is set aside',
    seams: {
      unitOfWork: (unit) =>
        instead(unit, {
          transaction: <T>(work: (tx: Tx) => Promise<T>, o?: { attempts?: number }): Promise<T> =>
            unit.transaction(work, o).catch((error: unknown) => {
              throw Object.assign(new Error('it failed'), { name: (error as Error).name });
            }),
        }),
    },
    foundBy: ['final', 'books', 'once'],
  },
  'intent-settled-twice': {
    without: 'the claim that fences a settlement: an attempt that was overtaken writes its outcome too',
    seams: {
      intentStore: (store) => instead(store, { settle: () => Promise.resolve('settled' as const) }),
    },
    foundBy: ['once', 'books', 'final'],
  },
  'time-out-taken-for-declined': {
    without: 'asking after an unknown outcome: no answer counts as a refusal',
    seams: provider((real) => ({ authorise: guessed(real.authorise.bind(real)), capture: guessed(real.capture.bind(real)) })),
    foundBy: ['final', 'books', 'holds', 'refunds'],
  },
  'time-out-taken-for-success': {
    without: 'asking after an unknown outcome: no answer counts as a success',
    seams: provider((real) => ({
      capture: (request, call) => real.capture(request, call).catch((): ProviderAnswer => ({ state: 'succeeded' })),
    })),
    foundBy: ['books', 'refunds'],
  },
  'refund-not-held-to-the-capture': {
    without: 'the sum of refunds: each is compared with the whole capture',
    seams: {
      paymentStore: (store) =>
        instead(store, {
          lock: async (tx, key) => {
            const payment = await store.lock(tx, key);
            if (payment) payment.refunded = 0;
            return payment;
          },
        }),
    },
    foundBy: ['refunds', 'ledger'],
  },
  'stock-not-checked': {
    without: 'the look at what is available: stock is held without it',
    seams: {
      reservationStore: (store) =>
        instead(store, {
          stockOf: async (tx, skus) =>
            (await store.stockOf(tx, skus)).map((product) => Object.assign(product, { onHand: product.onHand + 1_000 })),
        }),
    },
    foundBy: ['final', 'books', 'stock'],
  },
  'idempotency-key-not-kept': {
    without: 'the kept answer of an Idempotency-Key: a request that is sent again is done again',
    seams: { idempotencyStore: (store) => instead(store, { find: () => Promise.resolve(undefined) }) },
    foundBy: ['final', 'refunds'],
  },
  'partly-sent-taken-for-sent': {
    without: 'the difference between some and all: a batch of which a part was taken counts as sent',
    seams: {
      transport: (transport) =>
        instead(transport, {
          send: (records) =>
            transport.send(records).catch((error: unknown) => {
              if (!(error instanceof PartlySentError)) throw error;
            }),
        }),
    },
    foundBy: ['once', 'final'],
  },
  'ids-before-the-lock': {
    without: 'the key lock before the id is drawn: what is committed later may have the smaller id',
    seams: {
      outboxStore: (store, { tables, world }) => ({
        append: async (tx, records) => {
          const last = tables.outboxId;
          tables.outboxId = last - 20 * world.random.next();
          await store.append(tx, records);
          tables.outboxId = last + records.length;
        },
      }),
    },
    foundBy: ['order'],
  },
  'outbox-outside-of-the-transaction': {
    without: 'outbox and effect in one transaction: what is rolled back is published all the same',
    seams: { outboxStore: (store, { database }) => ({ append: (tx, records) => database.forGood(() => store.append(tx, records)) }) },
    foundBy: ['once', 'final'],
  },
  'unknown-commit-taken-for-done': {
    without: 'the unknown COMMIT: an answer that was lost counts as a commit',
    seams: takenForDone((error) => error instanceof CommitUnknownError),
    foundBy: ['final', 'once', 'books', 'refunds', 'outbox'],
  },
  'deadlock-taken-for-done': {
    without: 'the retry of what lost against another transaction: its work counts as done',
    seams: takenForDone((error) => sqlState(error) === '40P01'),
    foundBy: ['final', 'once', 'books', 'refunds'],
  },
  'intent-at-most-once': {
    without: 'intents that last until they are settled: taking one up ends it',
    seams: {
      intentStore: (store, { tables }) =>
        instead(store, {
          claim: async (kind, limit, holdMs) => {
            const claimed = await store.claim(kind, limit, holdMs);
            for (const { id } of claimed) tables.intents.update(id, { state: 'DONE' });
            return claimed;
          },
          settle: () => Promise.resolve('settled' as const),
        }),
    },
    foundBy: ['final', 'refunds'],
  },
  'captured-again-under-a-new-key': {
    without: 'one key for one capture: each attempt has a key of its own',
    seams: provider((real, { world }) => ({
      capture: (request, call) => real.capture({ ...request, key: `${request.key}:${world.newId()}` }, { ...call, repeated: false }),
    })),
    foundBy: ['books', 'refunds', 'final'],
  },
  'refund-check-outside-the-lock': {
    without: "the payment's row lock: what is left to give back is what was read a moment ago",
    seams: {
      refunds: (refunds, { world }, payments) => {
        const read = new Map<string, { at: number; payment: Payment }>();
        const stale = instead(payments, {
          lock: async (tx, key) => {
            const id = 'id' in key ? key.id : key.orderId;
            let known = read.get(id);
            if (!known || world.now - known.at > 500) {
              const payment = await payments.lock(tx, key);
              if (!payment) return null;
              read.set(id, (known = { at: world.now, payment }));
            }
            return Object.assign(new Payment(), known.payment);
          },
        });
        const book: RefundService['book'] = (tx, paymentId, amount) =>
          refunds.book.call(instead(refunds, { payments: stale } as never), tx, paymentId, amount);
        return instead(refunds, { book });
      },
    },
    foundBy: ['refunds', 'ledger', 'final'],
  },
  'cancel-without-tombstone': {
    without: 'the tombstone of a cancellation that came first: the late authorisation holds the money',
    seams: {
      operationStore: (store) => {
        const unwritten = new WeakSet<Operation>();
        return instead(store, {
          record: async (tx, values) => {
            if (values.state !== 'cancelled') await store.record(tx, values);
          },
          lock: async (tx, key) => {
            const known = await store.lock(tx, key);
            if (known) return known;
            const nobody = Object.assign(new Operation(), { key, kind: null, state: 'received', captured: 0 });
            unwritten.add(nobody);
            return nobody;
          },
          save: async (tx, operation) => (unwritten.has(operation) ? operation : store.save(tx, operation)),
        });
      },
    },
    foundBy: ['holds', 'refunds'],
  },
  'reply-handled-twice': {
    without: 'the id of the awaited command: any reply brings the saga a step on',
    seams: {
      router:
        (router, { sagas }) =>
        (type) => {
          const route = router(type);
          if (route?.kind !== 'reply') return route;
          return {
            ...route,
            handle: (envelope, tx) => {
              const awaited = sagas?.sagas.get(envelope.sagaId!)?.record.awaiting;
              return route.handle(awaited ? { ...envelope, causationId: awaited } : envelope, tx);
            },
          };
        },
    },
    foundBy: ['final', 'books', 'stock', 'holds', 'carts'],
  },
  'deadline-counts-outage-time': {
    without: 'the working clock: deadlines run on while nobody can answer',
    seams: { sagaOptions: (options) => ({ ...options, grace: 0, transport: { connected: true, consuming: true, writable: true } }) },
    foundBy: ['final'],
  },
  'compensation-left-out': {
    without: 'the undo of a step: what was reserved for a rejected order stays so',
    seams: {
      saga: ({ plan, ...definition }) => ({ ...definition, plan: { ...plan, steps: plan.steps.map(({ undo: _undo, ...step }) => step) } }),
    },
    foundBy: ['stock', 'holds'],
  },
  'pivot-taken-back': {
    without: 'the pivot: a capture that is not answered in time is compensated as if it had not happened',
    seams: {
      saga: ({ plan: { pivot: _pivot, ...plan }, ...definition }) => ({ ...definition, plan }),
    },
    foundBy: ['final', 'books', 'refunds', 'stock'],
  },
};

export const mutationNames = Object.keys(mutations);

function provider(change: (real: PaymentProvider, place: Place) => Partial<PaymentProvider>): Partial<Seams> {
  return { provider: (real, place) => instead(real, change(real, place)) };
}

/** Whatever is thrown counts as a refusal. */
const guessed =
  <A extends unknown[]>(call: (...args: A) => Promise<ProviderAnswer>) =>
  (...args: A): Promise<ProviderAnswer> =>
    call(...args).catch((): ProviderAnswer => ({ state: 'refused', code: 'no answer' }));

/** What a transaction would have given, when it ends with such an error. */
function takenForDone(isDone: (error: unknown) => boolean): Partial<Seams> {
  return {
    unitOfWork: (unit) =>
      instead(unit, {
        transaction: async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
          let result: { is: T } | undefined;
          try {
            return await unit.transaction(async (tx) => (result = { is: await work(tx) }).is, { attempts: 1 });
          } catch (error) {
            if (!result || !isDone(error)) throw error;
            return result.is;
          }
        },
      }),
  };
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const left = [...values];
  return values.map(() => left.splice(Math.floor(random() * left.length), 1)[0]!);
}
