import { authorisePayment, capturePayment, releaseStock, reserveStock, voidPayment } from '@ballast/contracts';
import type { AnyCommand } from '@ballast/message';
import { eventually } from '@ballast/testing';
import { fails, ok, paymentId, Shop, STEPS, success, type Purchase } from './shop.js';

/** What is undone when a step's reply is lost: itself too, since it may have happened. Nothing from the pivot on. */
const undosOf = new Map<AnyCommand, AnyCommand[]>([
  [reserveStock, [releaseStock]],
  [authorisePayment, [voidPayment, releaseStock]],
]);
const nameOf = ({ type }: AnyCommand) => type.split('.')[1]!;
const each = STEPS.map((step) => [nameOf(step), step] as const);

let shop: Shop;
beforeAll(async () => (shop = await Shop.open()), 60_000);
afterAll(() => shop?.close());

const outcomes = async (order: Purchase, outcome: string) => (await order.history()).filter((line) => line.endsWith(` ${outcome}`));

describe('the reply to a step', () => {
  it.each(each)('%s may come twice, as two messages and as one that is delivered again', async (_, step) => {
    const order = await shop.checkOut();
    const command = await order.reaches(step);
    await shop.redeliver(command, success(step), 3);
    await shop.reply(command, success(step), 2);
    const next = STEPS[STEPS.indexOf(step) + 1];
    if (next) await order.goesOn(next, 2);
    await order.ends('CONFIRMED');
    for (const sent of STEPS) expect(order.commands(sent)).toHaveLength(1);
    expect(await outcomes(order, 'succeeded')).toHaveLength(STEPS.length + 1);
  });

  it.each([
    [nameOf(reserveStock), reserveStock, 'OUT_OF_STOCK', []],
    [nameOf(authorisePayment), authorisePayment, 'INSUFFICIENT_FUNDS', [releaseStock]],
    [nameOf(capturePayment), capturePayment, 'CAPTURE_REFUSED', [voidPayment, releaseStock]],
  ] as const)('%s, when it is a refusal that comes twice, undoes what was done, once', async (_, step, code, undos) => {
    const order = await shop.checkOut();
    await shop.reply(await order.reaches(step), fails(code), 2);
    for (const undo of undos) await order.answer(undo, ok(), 2);
    await order.ends('REJECTED', code);
    for (const undo of [voidPayment, releaseStock])
      expect(order.commands(undo)).toHaveLength((undos as readonly AnyCommand[]).includes(undo) ? 1 : 0);
  });
});

describe('a reply that does not come in time', () => {
  it('is asked for again from the pivot on, and else undone; one that comes late changes nothing any more', async () => {
    const lost = new Map<AnyCommand, Purchase>();
    const late = new Map<AnyCommand, Purchase>();
    for (const step of STEPS)
      for (const orders of [lost, late]) {
        orders.set(step, await shop.checkOut());
        await orders.get(step)!.reaches(step);
      }
    const first = new Map(STEPS.map((step) => [step, late.get(step)!.commands(step)[0]!]));
    await shop.timePasses();

    await Promise.all(
      [...lost, ...late].map(async ([step, order]) => {
        const undos = undosOf.get(step);
        if (undos) await order.command(undos[0]!);
        else expect((await order.command(step, 2)).id).toBe(order.commands(step)[0]!.id);
      }),
    );
    for (const step of late.keys()) await shop.reply(first.get(step as (typeof STEPS)[number])!, success(step), 2);
    for (const orders of [lost, late])
      for (const [step, order] of orders) {
        const undos = undosOf.get(step);
        if (undos) {
          await order.isUndone(undos);
          await order.ends('REJECTED', 'TIMED_OUT');
        } else {
          await order.goesOn(step as (typeof STEPS)[number]);
          await order.ends('CONFIRMED');
        }
        expect(await outcomes(order, 'timed-out')).toHaveLength(1);
      }
  }, 120_000);
});

describe('the service restarts', () => {
  it('between any two steps, forward and back: nothing is lost, asked twice or told twice', async () => {
    const waiting = new Map<AnyCommand, Purchase>();
    const answered = new Map<AnyCommand, Purchase>();
    for (const step of STEPS)
      for (const orders of [waiting, answered]) {
        orders.set(step, await shop.checkOut());
        await orders.get(step)!.reaches(step);
      }
    const declined = await shop.checkOut();
    const uncaptured = await shop.checkOut();
    await shop.reply(await declined.reaches(authorisePayment), fails('PAYMENT_DECLINED'));
    await shop.reply(await uncaptured.reaches(capturePayment), fails('CAPTURE_REFUSED'));
    await declined.command(releaseStock);
    await uncaptured.command(voidPayment);

    await shop.service.close();
    for (const [step, order] of answered) await order.answer(step);
    const unheard = await shop.checkOut({ times: 2 });
    await uncaptured.answer(voidPayment);
    await shop.start();

    for (const [step, order] of waiting) await order.goesOn(step as (typeof STEPS)[number]);
    for (const [step, order] of answered) {
      const next = STEPS[STEPS.indexOf(step as (typeof STEPS)[number]) + 1];
      if (next) await order.goesOn(next);
    }
    await unheard.goesOn(reserveStock);
    for (const order of [...waiting.values(), ...answered.values(), unheard]) {
      await order.ends('CONFIRMED');
      for (const step of STEPS) expect(new Set(order.commands(step).map((command) => command.id)).size).toBe(1);
      expect(await outcomes(order, 'succeeded')).toHaveLength(STEPS.length + 1);
    }
    for (const order of [declined, uncaptured]) await order.answer(releaseStock);
    await declined.ends('REJECTED', 'PAYMENT_DECLINED');
    await uncaptured.ends('REJECTED', 'CAPTURE_REFUSED');
    expect(declined.commands(voidPayment)).toEqual([]);
  }, 120_000);

  it('after every step of one checkout', async () => {
    const order = await shop.checkOut();
    for (const step of STEPS) {
      await order.command(step);
      await shop.service.close();
      await order.answer(step, success(step), 2);
      await shop.start();
    }
    await order.ends('CONFIRMED');
    const { state } = (await shop.database.primary.query('SELECT state FROM saga WHERE id = $1', [order.id]))[0] as {
      state: { paymentId: string };
    };
    expect(state.paymentId).toBe(paymentId);
    await eventually(async () => expect(await outcomes(order, 'succeeded')).toHaveLength(STEPS.length + 1));
  }, 120_000);
});
