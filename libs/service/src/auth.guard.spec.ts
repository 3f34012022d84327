import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { sampleManifest, SampleModule } from '../test/sample.module.js';
import { testService, type TestService } from './testing.js';

const accountId = randomUUID();
let key: CryptoKey;
let publicPem: string;
let jwks: object;
let asked = 0;
let away = false;
let issuer: Server;
let service: TestService;

beforeAll(async () => {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  key = pair.privateKey;
  publicPem = await exportSPKI(pair.publicKey);
  jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', use: 'sig' }] };
  issuer = createServer((request, response) => {
    asked++;
    if (away) return void request.socket.destroy();
    response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  service = await start();
});
afterAll(async () => {
  await service.close();
  issuer.closeAllConnections();
  issuer.close();
});

const start = (rateLimit = 0) =>
  testService(SampleModule, sampleManifest, {
    config: {
      auth: { issuer: 'us', audience: 'ballast', jwksUrl: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/` },
      http: { trustedProxies: ['loopback'], rateLimit, shutdownGrace: 0 },
    },
  });

interface Parts {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  signer?: CryptoKey;
}
const sign = ({ header = {}, claims = {}, signer = key }: Parts = {}) => {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ sub: accountId, iss: 'us', aud: 'ballast', iat: now, exp: now + 600, roles: ['buyer'], ...claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1', ...header })
    .sign(signer);
};
const mine = (token?: string) => service.request('/things/mine', token === undefined ? {} : { token });
const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

it('lets a good token in and says who it is', async () => {
  expect(await mine(await sign())).toMatchObject({ status: 200, body: { accountId, roles: ['buyer'] } });
});

it('without a token: 401 and how to authenticate', async () => {
  const answer = await mine();
  expect(answer.body).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="ballast"');
});

describe('refuses', () => {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: accountId, iss: 'us', aud: 'ballast', iat: now, exp: now + 600 };
  it.each<[string, () => Promise<string> | string]>([
    ['alg none', () => `${b64({ alg: 'none', typ: 'at+jwt', kid: 'k1' })}.${b64(claims)}.`],
    ['alg none with a signature', () => `${b64({ alg: 'none', typ: 'at+jwt', kid: 'k1' })}.${b64(claims)}.AAAA`],
    [
      'HS256 with the public key as its secret',
      () => {
        const body = `${b64({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' })}.${b64(claims)}`;
        return `${body}.${createHmac('sha256', publicPem).update(body).digest('base64url')}`;
      },
    ],
    ['another issuer', () => sign({ claims: { iss: 'them' } })],
    ['no issuer', () => sign({ claims: { iss: undefined } })],
    ['another audience', () => sign({ claims: { aud: 'them' } })],
    ['no audience', () => sign({ claims: { aud: undefined } })],
    ['another type of token', () => sign({ header: { typ: 'JWT' } })],
    ['no type', () => sign({ header: { typ: undefined } })],
    ['an expired token', () => sign({ claims: { exp: now - 60 } })],
    ['a token without end', () => sign({ claims: { exp: undefined } })],
    ['a token of the future', () => sign({ claims: { nbf: now + 600 } })],
    ['a subject that is no account', () => sign({ claims: { sub: 'root' } })],
    ['an unknown kid', () => sign({ header: { kid: '../../k1' } })],
    ['no kid', () => sign({ header: { kid: undefined } })],
    [
      'a critical extension',
      () =>
        sign({ header: { kid: 'k1', b64: true, crit: ['b64'] } }).then((t) =>
          t.replace(/^[^.]+/, b64({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1', crit: ['x'], x: 1 })),
        ),
    ],
    ["a stranger's signature", async () => sign({ signer: (await generateKeyPair('EdDSA')).privateKey })],
    ['what is no token', () => 'a.b.c'],
    ['a token of unreasonable length', async () => `${await sign({ claims: { pad: 'x'.repeat(8000) } })}`],
  ])('%s', async (_, token) => {
    const answer = await mine(await token());
    expect(answer.body).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('a token that brings its own key, without going to look for it', async () => {
    const stranger = await generateKeyPair('EdDSA', { extractable: true });
    const jwk = await exportJWK(stranger.publicKey);
    let fetched = 0;
    const trap = createServer((_, response) => {
      fetched++;
      response.end(JSON.stringify({ keys: [{ ...jwk, kid: 'k1' }] }));
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const jku = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/`;
    for (const header of [{ jku }, { x5u: jku }, { jwk }, { jku, kid: 'other' }])
      expect((await mine(await sign({ header, signer: stranger.privateKey }))).status).toBe(401);
    expect(fetched).toBe(0);
    trap.close();
  });
});

it('asks auth no more than once for a flood of unknown key names', async () => {
  await mine(await sign({ header: { kid: 'first' } }));
  const before = asked;
  await Promise.all(Array.from({ length: 30 }, async (_, i) => mine(await sign({ header: { kid: `flood-${i}` } }))));
  expect(asked - before).toBeLessThanOrEqual(1);
});

it('403 without the role, and lets the role in', async () => {
  const clear = (token: string) => service.request('/things/all', { method: 'DELETE', token });
  expect((await clear(await sign())).body).toMatchObject({ status: 403, code: 'FORBIDDEN' });
  expect((await clear(await sign({ claims: { roles: ['merchant'] } }))).status).toBe(200);
});

it('goes on while auth is away, and says 503 rather than 401 when it never had the keys', async () => {
  away = true;
  try {
    expect((await mine(await sign())).status).toBe(200);
    const fresh = await start();
    const answer = await fresh.request('/things/mine', { token: await sign() });
    expect(answer.body).toMatchObject({ status: 503, code: 'TOKEN_KEYS_UNAVAILABLE' });
    expect((await fresh.request('/health/ready')).body).toEqual({ status: 'degraded', away: ['auth'] });
    await fresh.close();
  } finally {
    away = false;
  }
});

describe('rate limit', () => {
  it('counts per account: 429 with Retry-After, and others are not touched', async () => {
    const limited = await start(3);
    const [one, other] = [await sign(), await sign({ claims: { sub: randomUUID() } })];
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await limited.request('/things/mine', { token: one })).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await limited.request('/things/mine', { token: one });
    expect(refused.body).toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await limited.request('/things/mine', { token: other })).status).toBe(200);
    expect((await limited.request('/health/ready')).status).toBe(200);
    await limited.close();
  });

  it('believes X-Forwarded-For from a trusted proxy, and the last untrusted address in it', async () => {
    const limited = await start(2);
    const from = (address: string) => limited.request('/things', { headers: { 'x-forwarded-for': address } });
    for (let i = 0; i < 2; i++) await from('203.0.113.1');
    expect((await from('203.0.113.1')).status).toBe(429);
    expect((await from('203.0.113.2')).status).toBe(200);
    expect((await from('198.51.100.9, 203.0.113.1')).status).toBe(429);
    await limited.close();
  });

  it('does not believe it from anyone else', async () => {
    const limited = await testService(SampleModule, sampleManifest, {
      config: { http: { trustedProxies: [], rateLimit: 2, shutdownGrace: 0 } },
    });
    const statuses = [];
    for (let i = 0; i < 3; i++)
      statuses.push((await limited.request('/things', { headers: { 'x-forwarded-for': `203.0.113.${i}` } })).status);
    expect(statuses).toEqual([200, 200, 429]);
    await limited.close();
  });
});
