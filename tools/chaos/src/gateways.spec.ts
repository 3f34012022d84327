import { anyOf } from './gateways.js';

const [FIRST, SECOND] = ['http://127.0.0.1:1', 'http://127.0.0.1:2'];
const lost = (code: string) => Object.assign(new TypeError('fetch failed'), { cause: { code } });

/** The first gateway is gone in the given way, the second answers. */
function client(code: string) {
  const asked: string[] = [];
  const resent = jest.fn();
  const ask = (url: string) => {
    asked.push(url);
    return url.startsWith(FIRST) ? Promise.reject(lost(code)) : Promise.resolve(new Response('{}', { status: 200 }));
  };
  return { fetch: anyOf([FIRST, SECOND], ask, resent), asked, resent };
}

it('goes elsewhere when a gateway cannot be reached, whatever it asks', async () => {
  const { fetch, asked, resent } = client('ECONNREFUSED');
  expect((await fetch(`${FIRST}/cart`, { method: 'POST' })).status).toBe(200);
  expect(asked).toEqual([`${FIRST}/cart`, `${SECOND}/cart`]);
  expect(resent).toHaveBeenCalledTimes(1);
  await fetch(`${SECOND}/cart`, { method: 'POST' });
  expect(resent).toHaveBeenCalledTimes(1);
});

it.each([
  ['PUT', {}],
  ['GET', {}],
  ['POST', { 'idempotency-key': 'k' }],
])('repeats a %s that was lost on its way', async (method, headers) => {
  const { fetch } = client('ECONNRESET');
  expect((await fetch(`${FIRST}/cart`, { method, headers })).status).toBe(200);
});

it('does not repeat what may have been done and must not be done twice', async () => {
  const { fetch, asked, resent } = client('ECONNRESET');
  await expect(fetch(`${FIRST}/auth/accounts`, { method: 'POST' })).rejects.toThrow();
  expect(asked).toHaveLength(1);
  expect(resent).not.toHaveBeenCalled();
});

it('gives up when no gateway is left', async () => {
  const { fetch } = client('ECONNREFUSED');
  await expect(anyOf([FIRST], (url, init) => fetch(url.replace(SECOND, FIRST), init))(`${FIRST}/x`, {})).resolves.toBeDefined();
  await expect(anyOf([FIRST], () => Promise.reject(lost('ECONNREFUSED')))(`${FIRST}/x`, {})).rejects.toThrow('fetch failed');
});
