import type { LaneStore, LaneView } from './lanes.js';
import type { RelayStore } from './relay.store.js';
import { Relays } from './relays.js';
import type { Transport } from './transport.js';
import { Wakeup } from './wakeup.js';

/** What a replica `one` thinks of others after each of the looks, each a list of who is absent: who shares the lanes, and whose lease it does not wait for. */
async function thinks(...looks: string[][]) {
  const ending = new AbortController();
  const told: (readonly string[])[] = [];
  const shared: boolean[] = [];
  let n = -1;
  const lanes: LaneStore = {
    join: async () => undefined,
    leave: async () => undefined,
    pending: async () => [],
    look: async (): Promise<LaneView> => {
      const absent = looks[++n]!;
      return { lanes: 1, generation: '1', members: ['one', 'two'], absent };
    },
  };
  const relays = new Relays({
    ...{ lanes, owner: 'one', wakeup: new Wakeup(), transport: { connected: true, whenConnected: async () => undefined } as Transport },
    storeOf: () =>
      ({ acquire: async (_lane: number, _owner: string, _ms: number, gone: readonly string[]) => void told.push(gone) }) as RelayStore,
    replicas: { arrange: ({ listen }) => void shared.push(listen), stop: async () => undefined },
    clock: {
      now: () => new Date(),
      // Each loop once: the relays ask for the lane, then the next look.
      sleep: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        if (n + 1 >= looks.length) ending.abort();
      },
    },
  });
  await relays.run(ending.signal);
  return { gone: told.at(-1), shared: shared.at(-1) };
}

it('takes nobody for gone that was missed once', async () => {
  expect(await thinks(['two'])).toEqual({ gone: [], shared: true });
  expect(await thinks(['two'], [], ['two'])).toEqual({ gone: [], shared: true });
});

it('takes for gone who was missed twice in a row, until it is seen again', async () => {
  expect(await thinks([], ['two'], ['two'])).toEqual({ gone: ['two'], shared: false });
  expect(await thinks(['two'], ['two'], [])).toEqual({ gone: [], shared: true });
});

it('never takes itself for gone', async () => {
  expect(await thinks(['one'], ['one'])).toEqual({ gone: [], shared: true });
});
