import { randomUUID } from 'node:crypto';
import { Database } from '@ballast/database';
import { eventually } from '@ballast/testing';
import { EUR, Harness } from './harness.js';

let h: Harness;
let operator: string;
let merchant: string;
let owner: Database;

beforeAll(async () => {
  h = await Harness.start();
  operator = await h.payment.token(undefined, ['operator']);
  merchant = await h.payment.token(undefined, ['merchant']);
  const { owner: login, ...config } = h.store.config;
  owner = await Database.open({ config: { ...config, ...login, poolSize: 2 } });
  await owner.ready;
}, 60_000);
afterAll(async () => {
  await owner?.close();
  await h?.stop();
});

const ask = async (path: string, token = operator) => (await h.payment.request(`/ops/v1/${path}`, { token })).body;
const repair = async (path: string, body: object = {}) =>
  (await h.payment.request(`/ops/v1/repairs/${path}`, { method: 'POST', token: operator, body })).body as {
    done: boolean;
    because?: string;
  };
const together = async (path: string, body?: object) =>
  (await Promise.all([repair(path, body), repair(path, body), repair(path, body)])).filter(({ done }) => done).length;
const bookOf = async (orderId: string) => (await ask(`books/payments?orderIds=${orderId}`)).items[0];
/** As a defect leaves it: behind the service's back, with the ledger's guards off. */
const tamper = async (sql: string, id: string) => {
  await owner.transaction(async (tx) => {
    for (const table of ['ledger_entry', 'ledger_transaction']) await tx.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
    for (const statement of sql.split(';')) await tx.query(statement, [id]);
    for (const table of ['ledger_entry', 'ledger_transaction']) await tx.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
  });
};
const UNBOOK = `DELETE FROM ledger_entry WHERE transaction_id IN (SELECT id FROM ledger_transaction WHERE reference = $1);
  DELETE FROM ledger_transaction WHERE reference = $1`;
const UNCAPTURE = `UPDATE payment SET status = 'AUTHORISED', captured = 0 WHERE id = $1`;

describe('the book of payments', () => {
  it('has a payment with its refunds, what was booked, and what the processor is still being asked', async () => {
    const order = h.order('tok_slow');
    const paymentId = await order.paid();
    const headers = { 'idempotency-key': randomUUID() };
    await h.payment.request(`/payments/${paymentId}/refunds`, { method: 'POST', token: merchant, body: { amount: EUR(500) }, headers });
    expect(await bookOf(order.id)).toMatchObject({
      ...{ paymentId, status: 'CAPTURED', amount: 1_500, captured: 1_500, refunded: 500, currency: 'EUR', asking: ['payment.refund'] },
      refunds: [{ amount: 500, currency: 'EUR', status: 'BOOKED' }],
      ledger: [
        {
          kind: 'CAPTURE',
          reference: paymentId,
          entries: expect.arrayContaining([{ account: 'sales', currency: 'EUR', debit: 0, credit: 1_500 }]),
        },
        { kind: 'REFUND', entries: expect.arrayContaining([{ account: 'refunds', currency: 'EUR', debit: 500, credit: 0 }]) },
      ],
    });
    await eventually(async () => expect(await bookOf(order.id)).toMatchObject({ asking: [], refunds: [{ status: 'SUCCEEDED' }] }), {
      timeout: 30_000,
    });
  }, 60_000);

  it('and the processor’s come by order, in the order of their ids, or as they changed', async () => {
    const started = new Date().toISOString();
    const orders = [h.order('tok_ok'), h.order('tok_ok')].sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const order of orders) await order.paid();
    const ids = orders.map(({ id }) => id);
    for (const book of ['payments', 'settlement'])
      expect((await ask(`books/${book}/touched?since=${started}`)).orderIds).toEqual(expect.arrayContaining(ids));
    const { items } = await ask(`books/settlement?orderIds=${ids.join()}`);
    expect(items.map((row: { reference: string; kind: string }) => `${row.reference} ${row.kind}`)).toEqual(
      ids.flatMap((id) => [`${id} authorisation`, `${id} capture`]),
    );
    const after = await ask(`books/settlement?after=${ids[0]}`);
    expect(after.items[0].reference > ids[0]!).toBe(true);
  });

  it('is for operators', async () => {
    for (const path of ['books/payments', 'books/settlement', 'reconciliation'])
      expect((await h.payment.request(`/ops/v1/${path}`, { token: merchant })).status).toBe(403);
  });
});

describe('a repair', () => {
  it('books a capture that only the processor has, once', async () => {
    const order = h.order('tok_ok');
    const id = await order.paid();
    await tamper(`${UNBOOK}; ${UNCAPTURE}`, id);
    expect(await together(`payments/${id}/captures`)).toBe(1);
    expect(await bookOf(order.id)).toMatchObject({ status: 'CAPTURED', captured: 1_500, ledger: [{ kind: 'CAPTURE' }] });
  });

  it('never books a capture that the processor does not have', async () => {
    const order = h.order('tok_ok');
    await order.authorise();
    const { paymentId } = await order.payment();
    expect(await repair(`payments/${paymentId}/captures`)).toMatchObject({ done: false });
    expect(await bookOf(order.id)).toMatchObject({ status: 'AUTHORISED', captured: 0, ledger: [] });
  });

  it('gives back what is left, once, and not when something else is left', async () => {
    const order = h.order('tok_ok');
    const id = await order.paid();
    expect(await repair(`payments/${id}/refunds`, { left: 900 })).toEqual({ done: false, because: '1500 are left of it' });
    expect(await together(`payments/${id}/refunds`, { left: 1_500 })).toBe(1);
    await eventually(async () => expect(await order.books()).toEqual(['authorisation', 'capture', 'refund']), { timeout: 30_000 });
    expect(await bookOf(order.id)).toMatchObject({ refunded: 1_500, refunds: [{ amount: 1_500 }] });
  });

  it('lets go of held money, and of none that was taken', async () => {
    const order = h.order('tok_ok');
    await order.authorise();
    const { paymentId } = await order.payment();
    await repair(`payments/${paymentId}/voids`);
    await eventually(async () => expect(await order.books()).toEqual(['cancellation']), { timeout: 30_000 });
    const taken = await h.order('tok_ok').paid();
    expect(await repair(`payments/${taken}/voids`)).toEqual({ done: false, because: 'it is CAPTURED' });
  });

  it('books what the ledger lacks, once', async () => {
    const order = h.order('tok_ok');
    const id = await order.paid();
    await tamper(UNBOOK, id);
    expect((await bookOf(order.id)).ledger).toEqual([]);
    expect(await together(`payments/${id}/bookings`)).toBe(1);
    expect(await bookOf(order.id)).toMatchObject({ ledger: [{ kind: 'CAPTURE', reference: id }] });
  });

  it('leaves a row in the audit, with what came of it', async () => {
    const id = await h.order('tok_ok').paid();
    await repair(`payments/${id}/bookings`);
    const { items } = await ask('audit?what=repairs.book&limit=1');
    expect(items).toMatchObject([{ outcome: 'DONE', detail: { paymentId: id, done: false, because: 'everything is booked' } }]);
  });
});

describe('the register', () => {
  const subject = randomUUID();
  const difference = { kind: 'CAPTURED_TWICE', subject, orderId: randomUUID(), severity: 'page', amount: EUR(5), detail: 'twice' };
  const record = (cutOff: Date, differences: object[], resolved: string[] = [], more = false) =>
    h.payment.request('/ops/v1/reconciliation/runs', {
      method: 'POST',
      token: operator,
      body: {
        cutOff: cutOff.toISOString(),
        scope: 'changed',
        judged: 1,
        inMotion: 0,
        durationMs: 5,
        found: differences.length,
        differences,
        resolved,
        more,
      },
    });
  const opened = async () => (await ask('reconciliation')).open.filter((row: { subject: string }) => row.subject === subject);
  const at = (second: number) => new Date(Date.UTC(2026, 10, 1, 12, 0, second));

  it('keeps one open row for a difference, from when it was first seen until it is gone', async () => {
    await Promise.all([record(at(1), [difference]), record(at(1), [difference])]);
    await record(at(2), [{ ...difference, repair: 'done', detail: 'still twice' }]);
    const [row] = await opened();
    expect(await opened()).toHaveLength(1);
    expect(row).toMatchObject({
      firstSeen: at(1).toISOString(),
      lastSeen: at(2).toISOString(),
      repairs: 1,
      lastRepair: 'done',
      detail: 'still twice',
    });
    expect((await ask('reconciliation')).cutOff).toBe(at(2).toISOString());

    await eventually(async () =>
      expect((await h.payment.request('/metrics')).body).toMatch(/ballast_reconciliation_differences\{[^}]*kind="CAPTURED_TWICE"[^}]*\} 1/),
    );
    await record(at(3), [], [row.id]);
    expect(await opened()).toEqual([]);
    expect((await ask('reconciliation/differences?state=resolved&kind=CAPTURED_TWICE')).items).toMatchObject([{ id: row.id }]);
    await eventually(async () =>
      expect((await h.payment.request('/metrics')).body).toMatch(/ballast_reconciliation_differences\{[^}]*kind="CAPTURED_TWICE"[^}]*\} 0/),
    );
    await record(at(4), [difference]); // it comes back: a row of its own
    expect(await opened()).toMatchObject([{ firstSeen: at(4).toISOString(), repairs: 0 }]);
  }, 30_000);

  it('is not told gone by a job that looked before another one saw it again', async () => {
    await record(at(10), [difference]);
    const [row] = await opened();
    await record(at(9), [], [row.id]);
    expect(await opened()).toHaveLength(1);
  });

  it('does not move on with a run of which only a part came', async () => {
    const { cutOff } = await ask('reconciliation');
    await record(at(30), [difference], [], true);
    expect((await ask('reconciliation')).cutOff).toBe(cutOff);
  });
});
