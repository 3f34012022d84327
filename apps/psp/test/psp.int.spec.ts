import { randomUUID } from 'node:crypto';
import { testService, type TestService } from '@ballast/service/testing';
import { eventually, testDatabase } from '@ballast/testing';
import { createLogger } from '@ballast/tracing';
import service from '../service.js';
import { database } from '../src/psp.database.js';
import { PspModule } from '../src/psp.module.js';

const apiKey = 'the-key-of-this-test-run';
const EUR = (amount: number) => ({ amount, currency: 'EUR' });

describe('the processor sandbox', () => {
  let store: Awaited<ReturnType<typeof testDatabase>>;
  let psp: TestService;
  const start = () => testService(PspModule, service, { database: store.config, ...database, config: { apiKey } });

  beforeAll(async () => {
    createLogger({ service: 'psp', level: 'silent' }); // the flaky token's errors are meant
    store = await testDatabase('psp');
    psp = await start();
  });
  afterAll(async () => {
    await psp?.close();
    await store?.drop();
  });

  const post = (path: string, key: string, body: object) =>
    psp.request(`/v1/${path}`, { method: 'POST', body, headers: { 'x-api-key': apiKey, 'idempotency-key': key } });
  const get = (path: string) => psp.request(`/v1/${path}`, { headers: { 'x-api-key': apiKey } });
  const ask = (key: string) => get(`operations/${encodeURIComponent(key)}`);
  const authorise = (key: string, token = 'tok_ok', amount = 1_000) =>
    post('authorisations', key, { amount: EUR(amount), token, reference: key });
  const capture = (key: string, authorisation: string, amount = 1_000) => post('captures', key, { authorisation, amount: EUR(amount) });
  const refund = (key: string, authorisation: string, amount: number) => post('refunds', key, { authorisation, amount: EUR(amount) });
  const cancel = (key: string, operation: string) => post('cancellations', key, { operation });
  const books = async (reference: string) => (await get(`settlement?reference=${reference}`)).body.items as { kind: string; key: string }[];

  let id: string;
  beforeEach(() => (id = randomUUID()));

  it('lets nobody in without its API key', async () => {
    expect(await psp.request('/v1/settlement')).toMatchObject({ status: 401, body: { code: 'PSP_API_KEY_REQUIRED' } });
    expect(await psp.request('/v1/settlement', { headers: { 'x-api-key': 'wrong' } })).toMatchObject({ status: 401 });
  });

  it('wants a key with every call, and knows no key it was not called with', async () => {
    const call = { method: 'POST', body: { operation: 'x' }, headers: { 'x-api-key': apiKey } };
    expect(await psp.request('/v1/cancellations', call)).toMatchObject({ status: 400, body: { code: 'PSP_KEY_REQUIRED' } });
    expect(await ask(id)).toMatchObject({ status: 404, body: { code: 'PSP_KEY_UNKNOWN' } });
  });

  it('authorises, captures and refunds, and writes each into its books once', async () => {
    expect(await authorise(id)).toMatchObject({
      status: 200,
      body: { key: id, kind: 'authorisation', state: 'succeeded', amount: EUR(1_000) },
    });
    for (let i = 0; i < 2; i++) {
      expect((await capture(`${id}:c`, id)).body).toMatchObject({ state: 'succeeded', reference: id });
      expect((await refund(`${id}:r`, id, 400)).body).toMatchObject({ state: 'succeeded', amount: EUR(400) });
    }
    expect((await books(id)).map(({ kind, key }) => [kind, key])).toEqual([
      ['authorisation', id],
      ['capture', `${id}:c`],
      ['refund', `${id}:r`],
    ]);
  });

  it('reads its books page by page', async () => {
    await authorise(id);
    await capture(`${id}:c`, id);
    const first = (await get(`settlement?reference=${id}&limit=1`)).body;
    expect(first).toMatchObject({ items: [{ key: id }], nextCursor: expect.any(String) });
    const second = (await get(`settlement?reference=${id}&limit=1&cursor=${first.nextCursor}`)).body;
    expect(second).toMatchObject({ items: [{ key: `${id}:c` }], nextCursor: null });
  });

  it('never captures past the authorisation, nor refunds past the capture, however many ask at once', async () => {
    await authorise(id);
    const captures = await Promise.all(Array.from({ length: 10 }, (_, i) => capture(`${id}:c${i}`, id, 300)));
    expect(captures.filter((c) => c.body.state === 'succeeded')).toHaveLength(3);
    expect(captures.find((c) => c.body.state === 'failed')!.body.code).toBe('amount_exceeds_authorisation');
    const refunds = await Promise.all(Array.from({ length: 10 }, (_, i) => refund(`${id}:r${i}`, id, 200)));
    expect(refunds.filter((r) => r.body.state === 'succeeded')).toHaveLength(4);
    expect(refunds.find((r) => r.body.state === 'failed')!.body.code).toBe('amount_exceeds_capture');
  });

  it('takes one key called at once for one operation', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => authorise(id)));
    expect(new Set(answers.map((a) => JSON.stringify(a.body))).size).toBe(1);
    expect(await books(id)).toHaveLength(1);
  });

  it('refuses a key with another body', async () => {
    await authorise(id);
    expect(await authorise(id, 'tok_ok', 999)).toMatchObject({ status: 422, body: { code: 'PSP_KEY_REUSED' } });
    expect(await capture(id, id)).toMatchObject({ status: 422 });
  });

  it.each([
    ['tok_declined', 'declined'],
    ['tok_insufficient_funds', 'insufficient_funds'],
    ['tok_from_nowhere', 'declined'],
  ])('%s is declined as %s, also when asked, and cannot be captured', async (token, code) => {
    expect((await authorise(id, token)).body).toMatchObject({ state: 'failed', code });
    expect((await ask(id)).body).toMatchObject({ state: 'failed', code });
    expect((await capture(`${id}:c`, id)).body).toMatchObject({ state: 'failed', code: 'not_authorised' });
    expect(await books(id)).toEqual([]);
  });

  it('tok_capture_declined: held, never captured, given up by a cancellation', async () => {
    expect((await authorise(id, 'tok_capture_declined')).body).toMatchObject({ state: 'succeeded' });
    expect((await capture(`${id}:c`, id)).body).toMatchObject({ state: 'failed', code: 'declined' });
    expect((await books(id)).map(({ kind }) => kind)).toEqual(['authorisation']);
    expect((await cancel(`${id}:x`, id)).body).toMatchObject({ state: 'succeeded' });
    expect((await ask(id)).body).toMatchObject({ state: 'cancelled' });
  });

  it('tok_flaky: two 500s for each key, of which nothing remains, then it works', async () => {
    for (const call of [() => authorise(id, 'tok_flaky'), () => capture(`${id}:c`, id)]) {
      expect((await call()).status).toBe(500);
      expect((await call()).status).toBe(500);
      expect((await call()).body).toMatchObject({ state: 'succeeded' });
    }
    expect(await books(id)).toHaveLength(2);
  });

  it('tok_flaky: a call that failed is not known, and counts over a restart', async () => {
    expect((await authorise(id, 'tok_flaky')).status).toBe(500);
    expect((await ask(id)).status).toBe(404);
    await psp.close();
    psp = await start();
    expect((await authorise(id, 'tok_flaky')).status).toBe(500);
    expect((await authorise(id, 'tok_flaky')).body.state).toBe('succeeded');
  });

  it('tok_unknown: does the work, drops the connection, and tells the truth when asked', async () => {
    await expect(authorise(id, 'tok_unknown')).rejects.toThrow('fetch failed');
    expect((await ask(id)).body.state).toBe('succeeded');
    await expect(capture(`${id}:c`, id)).rejects.toThrow('fetch failed');
    expect((await ask(`${id}:c`)).body.state).toBe('succeeded');
    expect(await books(id)).toHaveLength(2);
  });

  it('tok_slow: at work until it is done, whoever waits for it', async () => {
    const answer = authorise(id, 'tok_slow');
    await eventually(async () => expect((await ask(id)).body).toMatchObject({ state: 'processing' }));
    expect(await books(id)).toEqual([]);
    expect((await answer).body.state).toBe('succeeded');
    expect((await ask(id)).body.state).toBe('succeeded');
  });

  it('tok_slow: cancelled while at work, it never takes effect', async () => {
    const answer = authorise(id, 'tok_slow');
    await eventually(async () => expect((await ask(id)).body).toMatchObject({ state: 'processing' }));
    const cancelling = cancel(`${id}:v`, id);
    await eventually(async () => expect((await ask(id)).body).toMatchObject({ state: 'cancelled' }));
    expect((await cancelling).body.state).toBe('succeeded');
    expect((await answer).body.state).toBe('cancelled');
  });

  it('tok_slow: a restart in the middle leaves nothing hanging', async () => {
    const answer = authorise(id, 'tok_slow').catch(() => undefined);
    await eventually(async () => expect((await ask(id)).body).toMatchObject({ state: 'processing' }));
    const closing = psp.close();
    psp = await start();
    await eventually(async () => expect((await ask(id)).body).toMatchObject({ state: 'succeeded' }));
    await Promise.all([closing, answer]);
  });

  it('releases an authorisation, once and for all', async () => {
    await authorise(id);
    expect((await cancel(`${id}:v`, id)).body.state).toBe('succeeded');
    expect((await ask(id)).body.state).toBe('cancelled');
    expect((await capture(`${id}:c`, id)).body).toMatchObject({ state: 'failed', code: 'authorisation_cancelled' });
    expect((await books(id)).map((o) => o.kind)).toEqual(['cancellation']);
  });

  it('refuses a call that comes after its own cancellation', async () => {
    expect((await cancel(`${id}:v`, id)).body.state).toBe('succeeded');
    expect((await authorise(id)).body.state).toBe('cancelled');
    expect((await authorise(id, 'tok_slow')).body.state).toBe('cancelled');
    expect((await capture(`${id}:c`, id)).body.state).toBe('failed');
  });

  it('does not cancel what was captured', async () => {
    await authorise(id);
    await capture(`${id}:c`, id);
    expect((await cancel(`${id}:v`, id)).body).toMatchObject({ state: 'failed', code: 'already_captured' });
  });

  it('a cancel and a capture at once: one of them wins, never both', async () => {
    await authorise(id);
    const [captured, cancelled] = await Promise.all([capture(`${id}:c`, id), cancel(`${id}:v`, id)]);
    expect([captured.body.state, cancelled.body.state].sort()).toEqual(['failed', 'succeeded']);
  });
});
