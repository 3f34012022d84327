import { generateKeyPairSync } from 'node:crypto';
import type { JSONWebKeySet } from 'jose';
import type { BaseConfig } from './config.js';
import { TokenKeys } from './token-keys.js';

const { publicKey } = generateKeyPairSync('ed25519');
const set = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'EdDSA', use: 'sig' }] } as JSONWebKeySet;
const config = { auth: { jwksUrl: 'http://127.0.0.1:1/' } } as BaseConfig;

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

it('asks again soon when auth is not there yet, ever less often while it stays away, and at leisure once it has the keys', async () => {
  const begun = Date.now();
  const asked: number[] = [];
  let away = true;
  jest.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    asked.push(Date.now() - begun);
    if (away) throw new TypeError('fetch failed');
    return Response.json(set);
  });
  const keys = new TokenKeys(config);
  keys.start();

  await jest.advanceTimersByTimeAsync(15_000);
  expect(asked).toEqual([0, 250, 750, 1_750, 3_750, 7_750, 12_750]);
  expect(keys.available).toBe(false);

  away = false;
  await jest.advanceTimersByTimeAsync(5_000);
  expect(keys.available).toBe(true);
  expect(await keys.find('one')).toBeDefined();
  await jest.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(8);
  keys.onModuleDestroy();
});
