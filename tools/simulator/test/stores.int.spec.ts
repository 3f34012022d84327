import { randomBytes, randomUUID } from 'node:crypto';
import { sqlState } from '@ballast/database';
import { CartItem } from '@ballast/cart/domain';
import { Payment } from '@ballast/payment/domain';
import { newRecord, type SagaRecord } from '@ballast/saga';
import { rigs, type Rig } from './rig.js';

/** The stores that the simulator runs the services on are held to the ones that the services run on. */
describe.each(Object.entries(rigs))('on %s', (_, open) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await open();
  });
  afterAll(() => rig?.close());

  const rolledBack = async (work: Parameters<Rig['transaction']>[0]) => {
    const undone = new Error('undone');
    await expect(
      rig.transaction(async (tx) => {
        await work(tx);
        throw undone;
      }),
    ).rejects.toBe(undone);
  };

  describe('the inbox', () => {
    const message = () => ({ id: randomUUID(), type: 'shop.happened.v1' });

    it('claims a message once, and again after a rollback', async () => {
      const [one, two] = [message(), message()];
      await rolledBack((tx) => rig.inbox.claim(tx, 'shop.events', [one], []));
      expect(await rig.transaction((tx) => rig.inbox.claim(tx, 'shop.events', [one], []))).toMatchObject({ fresh: new Set([one.id]) });
      expect(await rig.transaction((tx) => rig.inbox.claim(tx, 'shop.events', [one, two], []))).toMatchObject({ fresh: new Set([two.id]) });
    });

    it('keeps the replies of commands that it has', async () => {
      const [known, unknown] = [message(), message()];
      const reply = { outcome: 'succeeded', result: { n: 1 } } as const;
      await rig.transaction((tx) => rig.inbox.claim(tx, 'shop.commands', [known], []));
      await rig.transaction((tx) => rig.inbox.keepReplies(tx, new Map([known, unknown].map(({ id }) => [id, reply]))));
      expect(await rig.transaction((tx) => rig.inbox.replies(tx, [known.id, unknown.id]))).toEqual(new Map([[known.id, reply]]));
    });

    it('buries a record once, and parks a key of a topic', async () => {
      const letter = {
        topic: 'shop.events',
        partition: 0,
        offset: String(Date.now()),
        key: 'k',
        messageId: randomUUID(),
        headers: {},
        payload: '{}',
      };
      const bury = () => rig.transaction((tx) => rig.inbox.bury(tx, { ...letter, reason: 'HANDLER_FAILED', error: 'no', attempts: 3 }));
      const id = await bury();
      expect(id).toEqual(expect.any(String));
      expect(await bury()).toBeUndefined();
      const key = randomUUID();
      await rig.transaction((tx) => rig.inbox.parkKey(tx, 'shop.events', key, id!));
      const claim = (topic: string) => rig.transaction((tx) => rig.inbox.claim(tx, topic, [message()], [key, 'other']));
      expect((await claim('shop.events')).parked).toEqual(new Set([key]));
      expect((await claim('shop.replies')).parked).toEqual(new Set());
    });
  });

  describe('outbox and relay', () => {
    const record = (key: string, value = '{}') => ({ topic: 'shop.events', key, value, headers: { ce_id: randomUUID() } });
    const keys = async (limit = 100) => (await rig.relay.pending(0, limit)).map((each) => each.record.key);
    const sendAll = async (epoch: string) =>
      rig.relay.remove(
        0,
        epoch,
        (await rig.relay.pending(0, 100)).map(({ id }) => id),
      );

    it('give what was committed in its order, and nothing that was rolled back', async () => {
      await rolledBack((tx) => rig.outbox.append(tx, [record('z')]));
      await rig.transaction((tx) => rig.outbox.append(tx, [record('b'), record('a')]));
      await rig.transaction((tx) => rig.outbox.append(tx, [record('c')]));
      expect(await keys()).toEqual(['b', 'a', 'c']);
      expect(await keys(2)).toEqual(['b', 'a']);
      expect(await rig.relay.backlog()).toMatchObject({ pending: 3, parked: 0 });
      expect(await sendAll((await rig.relay.acquire(0, 'one', -1))!)).toBe(false);
      const epoch = (await rig.relay.acquire(0, 'one', 60_000))!;
      expect(await sendAll(epoch)).toBe(true);
      expect(await keys()).toEqual([]);
      await rig.relay.release(0, epoch);
    });

    it('have one owner, whose epoch fences the one before', async () => {
      const first = (await rig.relay.acquire(0, 'one', 60_000))!;
      expect(await rig.relay.acquire(0, 'two', 60_000)).toBeUndefined();
      const again = (await rig.relay.acquire(0, 'one', 60_000))!;
      expect(Number(again)).toBe(Number(first) + 1);
      expect(await rig.relay.renew(0, first, 60_000)).toBe(false);
      expect(await rig.relay.renew(0, again, -1_000)).toBe(true);
      const second = (await rig.relay.acquire(0, 'two', 60_000))!;
      await rig.transaction((tx) => rig.outbox.append(tx, [record('a')]));
      expect(await sendAll(again)).toBe(false);
      const [pending] = await rig.relay.pending(0, 1);
      expect(await rig.relay.park(0, again, pending!.id, 'no')).toBe(false);
      expect(await keys()).toEqual(['a']);
      await rig.relay.release(0, again);
      expect(await rig.relay.acquire(0, 'one', 60_000)).toBeUndefined();
      await rig.relay.release(0, second);
      const third = (await rig.relay.acquire(0, 'one', 60_000))!;
      expect(await sendAll(third)).toBe(true);
      await rig.relay.release(0, third);
    });

    it('let a parked record hold up its own key alone, and give no more than a page may weigh', async () => {
      const epoch = (await rig.relay.acquire(0, 'one', 60_000))!;
      await rig.transaction((tx) => rig.outbox.append(tx, [record('a'), record('b'), record('a')]));
      const [first] = await rig.relay.pending(0, 10);
      expect(await rig.relay.park(0, epoch, first!.id, 'TOO_LARGE')).toBe(true);
      expect(await keys()).toEqual(['b']);
      expect(await rig.relay.backlog()).toMatchObject({ pending: 2, parked: 1 });
      await sendAll(epoch);
      const large = JSON.stringify('x'.repeat(2_500_000));
      await rig.transaction((tx) => rig.outbox.append(tx, [record('c', large), record('d', large)]));
      expect(await keys()).toEqual(['c']);
      await sendAll(epoch);
      await sendAll(epoch);
    });
  });

  describe('intents', () => {
    const add = async (kind: string, more: object = {}) => {
      const id = randomUUID();
      await rig.transaction((tx) => rig.intents.add(tx, { id, kind, payload: { n: 1 }, trace: {}, ...more }));
      return id;
    };
    const settle = (claim: Parameters<Rig['intents']['settle']>[1]) => rig.transaction((tx) => rig.intents.settle(tx, claim));

    it('are claimed by one, for a while, when they are due', async () => {
      const kind = randomUUID();
      await rolledBack((tx) => rig.intents.add(tx, { id: randomUUID(), kind, payload: {}, trace: {} }));
      const reply = { commandId: 'c', commandType: 't', replyTo: 'r', sagaId: 's', key: 'k' };
      const id = await add(kind, { reply });
      await add(kind, { runAt: new Date(Date.now() + 60_000) });
      expect(await rig.intents.claim(kind, 10, 60_000)).toEqual([{ id, kind, payload: { n: 1 }, reply, trace: {}, attempt: 1 }]);
      expect(await rig.otherIntents.claim(kind, 10, 60_000)).toEqual([]);
      expect((await rig.intents.open()).find((each) => each.kind === kind)).toMatchObject({ count: 2 });
    });

    it('are settled by the newest claim, once', async () => {
      const kind = randomUUID();
      await add(kind);
      const [old] = await rig.intents.claim(kind, 1, -1_000);
      const [claim] = await rig.otherIntents.claim(kind, 1, 60_000);
      expect(claim!.attempt).toBe(2);
      expect(await settle(old!)).toBe('lost');
      await rolledBack((tx) => rig.intents.settle(tx, claim!));
      expect(await settle(claim!)).toBe('settled');
      expect(await settle(claim!)).toBe('already');
      expect(await rig.intents.claim(kind, 1, 60_000)).toEqual([]);
    });

    it('that is written with a claim is claimed already: settled as its first attempt, or taken back, or free when the claim has run out', async () => {
      const kind = randomUUID();
      const [mine, late] = [await add(kind, { holdMs: 60_000 }), await add(kind, { holdMs: -1_000 })];
      const claim = { id: mine, kind, payload: { n: 1 }, trace: {}, attempt: 1 };
      expect(await rig.otherIntents.claim(kind, 10, 60_000)).toMatchObject([{ id: late, attempt: 2 }]);
      await rig.otherIntents.takeBack(kind, [late]);
      expect(await rig.otherIntents.claim(kind, 10, 60_000)).toEqual([]);
      await rig.intents.takeBack(kind, []);
      expect(await rig.intents.claim(kind, 10, 60_000)).toMatchObject([{ id: mine, attempt: 2 }]);
      expect(await settle(claim)).toBe('lost');
      expect(await settle({ ...claim, attempt: 2 })).toBe('settled');
    });

    it('are given back by their claim alone, and taken back by their owner', async () => {
      const kind = randomUUID();
      await add(kind);
      const [first] = await rig.intents.claim(kind, 1, 60_000);
      await rig.intents.postpone({ ...first!, attempt: 9 }, 0, 'no');
      expect(await rig.intents.claim(kind, 1, 60_000)).toEqual([]);
      await rig.intents.postpone(first!, -1, 'no');
      const [second] = await rig.intents.claim(kind, 1, 60_000);
      expect(second!.attempt).toBe(2);
      await rig.otherIntents.takeBack(kind, []);
      await rig.intents.takeBack(kind, [second!.id]);
      expect(await rig.otherIntents.claim(kind, 1, 60_000)).toEqual([]);
      await rig.intents.takeBack(kind, []);
      expect((await rig.otherIntents.claim(kind, 1, 60_000))[0]).toMatchObject({ attempt: 3 });
    });

    it('are brought forward when they were postponed, not when they run or were written for later', async () => {
      const kind = randomUUID();
      const [postponed] = [await add(kind), await add(kind), await add(kind, { runAt: new Date(Date.now() + 3_600_000) })];
      const claims = await rig.intents.claim(kind, 10, 60_000);
      expect(claims).toHaveLength(2);
      await rig.intents.postpone(
        claims.find(({ id }) => id === postponed)!,
        3_600_000,
        'away',
      );
      await rig.otherIntents.bringForward(randomUUID(), -1_000);
      expect(await rig.intents.claim(kind, 10, 60_000)).toEqual([]);
      await rig.otherIntents.bringForward(kind, -1_000);
      expect(await rig.intents.claim(kind, 10, 60_000)).toMatchObject([{ id: postponed, attempt: 2 }]);
    });
  });

  describe('sagas', () => {
    const start = async (within: number | null, definition = `trip-${randomUUID()}.v1`) => {
      const id = randomUUID();
      await rig.transaction(async (tx) => {
        const saga = (await rig.sagas.insert(tx, newRecord(definition, id, { n: 1 }, {}), 'one'))!;
        const record: SagaRecord = {
          ...saga.record,
          timerAt: within === null ? null : saga.now + within,
          awaiting: randomUUID(),
          entries: 1,
        };
        await rig.sagas.save(tx, { record, stepName: 'one', history: [{ step: 'one', outcome: 'sent' }], traceId: 'abc' });
      });
      return { id, definition };
    };

    it('are there once, and as they were saved', async () => {
      const { id, definition } = await start(60_000);
      await rig.transaction(async (tx) => {
        expect(await rig.sagas.insert(tx, newRecord(definition, id, {}, {}), 'one')).toBeNull();
        expect(await rig.sagas.lock(tx, randomUUID())).toBeNull();
        const { record, createdAt } = (await rig.sagas.lock(tx, id))!;
        expect(record).toMatchObject({
          id,
          definition,
          state: { n: 1 },
          status: 'RUNNING',
          step: 0,
          direction: 'forward',
          entries: 1,
          failure: null,
        });
        expect(createdAt).toBeInstanceOf(Date);
        expect(await rig.sagas.lockDue(tx, id)).toBeNull();
      });
      const views = await rig.sagas.findAll(rig.reader, [id, randomUUID()]);
      expect([...views.keys()]).toEqual([id]);
      expect(views.get(id)).toMatchObject({ id, definition, state: { n: 1 }, status: 'RUNNING', step: 'one' });
      const entry = { step: 'one', outcome: 'sent', traceId: 'abc', at: expect.any(Date) as Date };
      expect(await rig.sagas.timelines(rig.reader, [id])).toEqual(new Map([[id, [entry]]]));
      expect(await rig.sagas.news(rig.reader, new Map([[id, 0]]))).toEqual(
        new Map([[id, { status: 'RUNNING', entries: [{ ...entry, seq: 1 }] }]]),
      );
      expect(await rig.sagas.news(rig.reader, new Map([[id, 1]]))).toEqual(new Map());
    });

    it('are due by the working clock, in the order of their timers, unless a reply waits', async () => {
      const { id, definition } = await start(-20_000);
      const second = await start(-10_000, definition);
      const third = await start(60_000, definition);
      await start(null, definition);
      const due = await rig.sagas.due([definition], 10);
      expect(due.map((each) => each.id)).toEqual([id, second.id]);
      expect((await rig.sagas.due([definition], 10, due[0])).map((each) => each.id)).toEqual([second.id]);
      expect(await rig.sagas.due(['other.v1'], 10)).toEqual([]);
      expect(await rig.transaction((tx) => rig.sagas.lockDue(tx, third.id))).toBeNull();
      await rig.transaction((tx) =>
        rig.parked.park(tx, {
          sagaId: id,
          commandId: randomUUID(),
          commandType: 'a.b.v1',
          reply: { outcome: 'succeeded', result: {} },
          trace: {},
        }),
      );
      expect((await rig.sagas.due([definition], 10)).map((each) => each.id)).toEqual([second.id]);
      expect(await rig.transaction((tx) => rig.sagas.lockDue(tx, id))).toBeNull();
      await rig.sagas.postpone(second.id, 60_000);
      expect(await rig.sagas.due([definition], 10)).toEqual([]);
      expect((await rig.sagas.census()).filter((each) => each.definition === definition)).toEqual([
        { definition, status: 'RUNNING', count: 4 },
      ]);
      expect(await rig.parked.count()).toBeGreaterThan(0);
      const [parked] = await rig.parked.waiting([definition], 10);
      expect(parked).toMatchObject({ sagaId: id, reply: { outcome: 'succeeded' } });
      expect(await rig.parked.waiting(['other.v1'], 10)).toEqual([]);
      await rolledBack((tx) => rig.parked.take(tx, parked!.id));
      expect(await rig.transaction((tx) => rig.parked.take(tx, parked!.id))).toBe(true);
      expect(await rig.transaction((tx) => rig.parked.take(tx, parked!.id))).toBe(false);
      expect((await rig.sagas.due([definition], 10)).map((each) => each.id)).toEqual([id]);
    });

    it('keep a reply that is refused, and go on without it', async () => {
      const { id, definition } = await start(-20_000);
      await rig.transaction((tx) =>
        rig.parked.park(tx, {
          sagaId: id,
          commandId: randomUUID(),
          commandType: 'a.b.v1',
          reply: { outcome: 'succeeded', result: {} },
          trace: {},
        }),
      );
      const [parked] = await rig.parked.waiting([definition], 10);
      await rig.parked.refuse(parked!.id, 'no');
      expect(await rig.parked.waiting([definition], 10)).toEqual([]);
      expect((await rig.sagas.due([definition], 10)).map((each) => each.id)).toEqual([id]);
    });
  });

  describe('reservations', () => {
    const order = () => randomUUID();
    const held = async (orderId: string, ...lines: [string, number][]) =>
      rig.transaction(async (tx) => {
        await rig.reservations.lockStock(tx);
        expect(await rig.reservations.begin(tx, orderId, 'HELD')).toBe(true);
        await rig.reservations.hold(
          tx,
          orderId,
          lines.map(([sku, quantity]) => ({ sku, quantity })),
        );
      });

    it('hold, give back and take off what is there, and never more', async () => {
      const [lamp, desk] = [`lamp-${randomUUID()}`, `desk-${randomUUID()}`];
      await rig.addProduct(lamp, 5);
      await rig.addProduct(desk, 5);
      const [one, two] = [order(), order()];
      await held(one, [lamp, 2], [desk, 1]);
      await held(two, [lamp, 3]);
      expect(await rig.stockOf(lamp)).toEqual({ onHand: 5, reserved: 5 });
      expect(sqlState(await held(order(), [lamp, 1]).catch((error: unknown) => error))).toBe('23514');
      await rig.transaction(async (tx) => {
        expect((await rig.reservations.stockOf(tx, [lamp, 'no-such', desk])).map(({ sku }) => sku)).toEqual([desk, lamp]);
        expect(await rig.reservations.end(tx, one, 'COMMITTED')).toBe(true);
        await rig.reservations.takeOff(tx, one);
        expect(await rig.reservations.end(tx, one, 'RELEASED')).toBe(false);
        expect(await rig.reservations.end(tx, two, 'RELEASED')).toBe(true);
        await rig.reservations.giveBack(tx, two);
      });
      expect(await rig.stockOf(lamp)).toEqual({ onHand: 3, reserved: 0 });
      expect(await rig.stockOf(desk)).toEqual({ onHand: 4, reserved: 0 });
    });

    it('have one row an order, which says why nothing was held', async () => {
      const id = order();
      await rig.transaction(async (tx) => {
        expect(await rig.reservations.find(tx, id)).toBeNull();
        expect(await rig.reservations.begin(tx, id, 'HELD')).toBe(true);
        expect(await rig.reservations.begin(tx, id, 'RELEASED')).toBe(false);
        await rig.reservations.refuse(tx, id, 'OUT_OF_STOCK');
        expect(await rig.reservations.find(tx, id)).toMatchObject({ orderId: id, state: 'RELEASED', refusal: 'OUT_OF_STOCK' });
      });
    });
  });

  describe('carts', () => {
    it('are one an account, with their items, frozen and closed by their own order alone', async () => {
      const [account, sku, orderId] = [randomUUID(), `chair-${randomUUID()}`, randomUUID()];
      await rig.addProduct(sku, 1);
      expect(await rig.carts.show(account)).toMatchObject({ number: 1, status: 'OPEN', version: 0, items: [] });
      const cartId = await rig.transaction(async (tx) => {
        const cart = await rig.carts.lockOrCreate(tx, account);
        const price = { amount: 90, currency: 'EUR' };
        const item = Object.assign(new CartItem(), { cartId: cart.id, sku, position: 1, quantity: 2, name: 'old', price });
        await rig.carts.putItem(tx, item);
        await rig.carts.putItem(tx, Object.assign(item, { quantity: 3 }));
        expect((await rig.carts.lockOrCreate(tx, account)).id).toBe(cart.id);
        return cart.id;
      });
      await rig.transaction(async (tx) => {
        const cart = await rig.carts.lock(tx, account);
        expect(cart.items).toMatchObject([{ sku, quantity: 3, name: 'old', product: { name: sku, price: { amount: 100 } } }]);
        for (const item of cart.checkOut(orderId)) await rig.carts.bindItem(tx, item);
        await rig.carts.save(tx, cart);
      });
      const shown = async () => rig.carts.show(account);
      expect((await shown()).lines).toEqual([{ sku, name: sku, quantity: 3, unitPrice: { amount: 100, currency: 'EUR' } }]);
      await rig.transaction((tx) => rig.carts.close(tx, { cartId, orderId: randomUUID() }));
      expect(await shown()).toMatchObject({ status: 'CHECKING_OUT', orderId });
      await rig.transaction((tx) => rig.carts.reopen(tx, { cartId, orderId }));
      expect(await shown()).toMatchObject({ id: cartId, status: 'OPEN', orderId: null, version: 2 });
      await rig.transaction(async (tx) => {
        const cart = await rig.carts.lock(tx, account);
        cart.checkOut(orderId);
        await rig.carts.save(tx, cart);
        await rig.carts.removeItem(tx, cartId, sku);
      });
      await rig.transaction((tx) => rig.carts.close(tx, { cartId, orderId }));
      expect(await shown()).toMatchObject({ number: 2, status: 'OPEN', items: [] });
    });
  });

  describe('orders', () => {
    it('end once, and are listed newest first', async () => {
      const accountId = randomUUID();
      const ids = ['01900000-0000-7000-8000-', '01900000-0001-7000-8000-'].map((start) => start + randomBytes(6).toString('hex'));
      const total = { amount: 1, currency: 'EUR' };
      const add = (id: string) =>
        rig.transaction((tx) => rig.orders.add(tx, { id, accountId, cartId: randomUUID(), status: 'PENDING', items: [], total }));
      for (const id of ids) await add(id);
      expect(sqlState(await add(ids[0]!).catch((error: unknown) => error))).toBe('23505');
      const end = (status: 'CONFIRMED' | 'REJECTED', reason: string | null) =>
        rig.transaction((tx) => rig.orders.end(tx, ids[0]!, status, reason));
      expect(await end('REJECTED', 'NO')).toMatchObject({ id: ids[0], status: 'REJECTED', reason: 'NO', total });
      expect(await end('CONFIRMED', null)).toBeUndefined();
      expect(await rig.orders.find(ids[0]!, accountId)).toMatchObject({ status: 'REJECTED' });
      expect(await rig.orders.find(ids[0]!, randomUUID())).toBeNull();
      expect((await rig.orders.list(accountId, 5)).map(({ id }) => id)).toEqual([...ids].reverse());
      expect((await rig.orders.list(accountId, 5, ids[1])).map(({ id }) => id)).toEqual([ids[0]]);
    });
  });

  describe('money', () => {
    const pending = (orderId: string = randomUUID()) =>
      Payment.pending(rig.payments.nextId(), {
        orderId,
        accountId: randomUUID(),
        amount: { amount: 500, currency: 'EUR' },
        token: 'tok_ok',
      });
    const captured = async () => {
      const payment = pending();
      payment.wasCaptured();
      await rig.transaction((tx) => rig.payments.addIfNew(tx, payment));
      return payment;
    };

    it('is one payment an order, which the domain may change and the store keeps within its limits', async () => {
      const payment = pending();
      await rig.transaction(async (tx) => {
        expect(await rig.payments.lock(tx, { orderId: payment.orderId })).toBeNull();
        await rig.payments.addIfNew(tx, payment);
        await rig.payments.addIfNew(tx, pending(payment.orderId));
        expect(await rig.payments.lock(tx, { orderId: payment.orderId })).toMatchObject({ id: payment.id, status: 'PENDING', captured: 0 });
      });
      const locked = await rig.transaction((tx) => rig.payments.lock(tx, { id: payment.id }));
      locked!.authorised();
      expect(await rig.payments.get(payment.id)).toMatchObject({ status: 'PENDING', token: 'tok_ok' });
      await rig.transaction((tx) => rig.payments.save(tx, locked!));
      expect(await rig.payments.get(payment.id)).toMatchObject({ status: 'AUTHORISED', token: null });
      await expect(rig.payments.get(randomUUID())).rejects.toThrow();
      expect(await rig.payments.find({ orderId: payment.orderId })).toHaveLength(1);
      expect(await rig.payments.find({ id: payment.id }, randomUUID())).toEqual([]);
      const beyond = Object.assign(locked!, { status: 'CAPTURED', captured: 501 });
      expect(sqlState(await rig.transaction((tx) => rig.payments.save(tx, beyond)).catch((error: unknown) => error))).toBe('23514');
      const refunded = Object.assign(locked!, { captured: 500, refunded: 501 });
      expect(sqlState(await rig.transaction((tx) => rig.payments.save(tx, refunded)).catch((error: unknown) => error))).toBe('23514');
    });

    it('is given back by refunds that are kept', async () => {
      const { id: paymentId } = await captured();
      const id = rig.refunds.nextId();
      const refund = { id, paymentId, amount: 5, currency: 'EUR', status: 'BOOKED' } as const;
      await rolledBack((tx) => rig.refunds.add(tx, refund));
      await expect(rig.refunds.get(id)).rejects.toThrow();
      await rig.transaction((tx) => rig.refunds.add(tx, refund));
      await rig.transaction(async (tx) => rig.refunds.save(tx, Object.assign(await rig.refunds.find(tx, id), { status: 'SUCCEEDED' })));
      expect(await rig.refunds.get(id)).toMatchObject({ paymentId, amount: 5, status: 'SUCCEEDED' });
    });

    it('is booked once and in balance', async () => {
      const reference = randomUUID();
      const side = (debit: number, credit: number, transactionId: string) => ({
        id: rig.ledger.nextId(),
        transactionId,
        account: debit ? ('psp-receivable' as const) : ('sales' as const),
        currency: 'EUR',
        debit,
        credit,
      });
      const book = (credit: number) =>
        rig.transaction((tx) => {
          const id = rig.ledger.nextId();
          return rig.ledger.add(tx, { id, kind: 'CAPTURE', reference }, [side(70, 0, id), side(0, credit, id)]);
        });
      const before = await rig.ledger.balances();
      expect(sqlState(await book(69).catch((error: unknown) => error))).toBe('23514');
      await book(70);
      expect(sqlState(await book(70).catch((error: unknown) => error))).toBe('23505');
      const sum = (balances: typeof before, account: string, which: 'debit' | 'credit') =>
        balances.filter((each) => each.account === account).reduce((total, each) => total + each[which], 0);
      const after = await rig.ledger.balances();
      expect(sum(after, 'sales', 'credit') - sum(before, 'sales', 'credit')).toBe(70);
      expect(sum(after, 'psp-receivable', 'debit') - sum(before, 'psp-receivable', 'debit')).toBe(70);
    });
  });

  describe("the processor's operations", () => {
    it('are one a key, saved within their limits, and settled in the order in which they came', async () => {
      const [one, two] = [randomUUID(), randomUUID()];
      const reference = randomUUID();
      await rig.transaction(async (tx) => {
        await rig.operations.record(tx, { key: one, kind: 'authorisation', digest: 'd' });
        await rig.operations.record(tx, { key: one, state: 'cancelled' });
        await rig.operations.record(tx, { key: two, kind: 'capture', digest: 'd', target: one });
        expect(await rig.operations.find(tx, randomUUID())).toBeNull();
        const operation = (await rig.operations.lock(tx, one))!;
        expect(operation).toMatchObject({ key: one, kind: 'authorisation', state: 'received', code: null, captured: 0, calls: 0 });
        Object.assign(operation, { state: 'processing', dueAt: new Date(Date.now() - 1_000), amount: 10, currency: 'EUR', reference });
        await rig.operations.save(tx, operation);
      });
      expect(await rig.operations.due()).toContain(one);
      await rig.transaction(async (tx) => {
        for (const key of [two, one])
          await rig.operations.save(tx, Object.assign((await rig.operations.lock(tx, key))!, { state: 'succeeded', reference }));
      });
      expect(await rig.operations.due()).not.toContain(one);
      const rows = await rig.operations.succeeded(0, 10, reference);
      expect(rows.map(({ key }) => key)).toEqual([one, two]);
      expect((await rig.operations.succeeded(rows[0]!.seq, 10, reference)).map(({ key }) => key)).toEqual([two]);
      const beyond = rig.transaction(async (tx) =>
        rig.operations.save(tx, Object.assign((await rig.operations.lock(tx, one))!, { captured: 11 })),
      );
      expect(sqlState(await beyond.catch((error: unknown) => error))).toBe('23514');
    });
  });

  describe('idempotency keys', () => {
    it('keep an answer until it expires', async () => {
      const [scope, other] = [randomBytes(32), randomBytes(32)];
      const answer = { bodyHash: randomBytes(32), status: 202, body: { orderId: 'o' }, headers: { location: '/orders/o' } };
      await rolledBack((tx) => rig.idempotency.keep(tx, scope, answer, 60_000));
      await rig.transaction(async (tx) => {
        expect(await rig.idempotency.tryLock(tx, scope)).toBe(true);
        expect(await rig.idempotency.find(tx, scope)).toBeUndefined();
        await rig.idempotency.keep(tx, scope, answer, 60_000);
        await rig.idempotency.keep(tx, other, answer, -1_000);
      });
      await rig.transaction(async (tx) => {
        expect(await rig.idempotency.find(tx, scope)).toEqual(answer);
        expect(await rig.idempotency.find(tx, other)).toBeUndefined();
      });
    });
  });
});
