import { randomBytes } from 'node:crypto';
import { Database } from '@ballast/database';
import type { TestService } from '@ballast/service/testing';
import { testDatabase } from '@ballast/testing';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { SigningKeys } from '../src/signing-keys.js';
import { newEmail, PASSWORD, post, startAuth, type TestDb } from './setup.js';

let database: TestDb;
let auth: TestService;
beforeEach(async () => {
  database = await testDatabase('auth');
  auth = await startAuth(database);
});
afterEach(async () => {
  await auth?.close();
  await database?.drop();
});

const query = (sql: string, values: unknown[] = []) => auth.app.get(Database, { strict: false }).primary.query(sql, values);
const jwks = async (service = auth) => service.request('/auth/.well-known/jwks.json');
const kids = async () => (await jwks()).body.keys.map((key: { kid: string }) => key.kid) as string[];
const token = async (service = auth): Promise<string> => {
  const email = newEmail();
  await post(service, '/auth/accounts', { email, password: PASSWORD });
  return (await post(service, '/auth/sessions', { email, password: PASSWORD })).body.accessToken;
};

it('publishes what checks its tokens, and nothing that makes them', async () => {
  const answer = await jwks();
  expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
  expect(answer.body.keys).toEqual([
    { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), use: 'sig', alg: 'EdDSA' },
  ]);
  const { payload } = await jwtVerify(await token(), createLocalJWKSet(answer.body), { algorithms: ['EdDSA'], typ: 'at+jwt' });
  expect(payload).toMatchObject({ iss: 'test-issuer', aud: 'test-audience', roles: [] });
});

it('keeps the private part sealed', async () => {
  const [row] = await query('SELECT * FROM signing_key');
  expect(row.sealed_private.split('.')).toHaveLength(5);
  expect(decodeProtectedHeader(row.sealed_private)).toEqual({ alg: 'dir', enc: 'A256GCM' });
  expect(JSON.stringify(row.public_jwk)).not.toContain('"d"');
});

it('makes one key, however many replicas start at once, and they take each other’s tokens', async () => {
  await query('DELETE FROM signing_key');
  const replicas = await Promise.all(Array.from({ length: 3 }, () => startAuth(database)));
  expect(await query('SELECT 1 FROM signing_key')).toHaveLength(1);
  expect((await replicas[1]!.request('/auth/accounts/me', { token: await token(replicas[0]) })).status).toBe(200);
  await Promise.all(replicas.map((replica) => replica.close()));
});

it('survives a restart', async () => {
  const made = await token();
  await auth.close();
  auth = await startAuth(database);
  expect((await auth.request('/auth/accounts/me', { token: made })).status).toBe(200);
});

it('rotates with overlap: published first, then it signs, then the old one goes', async () => {
  const keys = auth.app.get(SigningKeys);
  const old = await token();
  const [oldKid] = await kids();
  await keys.rotate();
  const newKid = (await kids()).find((kid) => kid !== oldKid)!;
  expect(await kids()).toHaveLength(2);
  expect(decodeProtectedHeader(await token()).kid).toBe(oldKid);

  await query(
    "UPDATE signing_key SET signs_from = signs_from - interval '16 minutes', published_until = published_until - interval '16 minutes'",
  );
  await keys.reload();
  expect(decodeProtectedHeader(await token()).kid).toBe(newKid);
  expect((await auth.request('/auth/accounts/me', { token: old })).status).toBe(200);

  await query("UPDATE signing_key SET published_until = published_until - interval '11 minutes'");
  await keys.reload();
  expect(await kids()).toEqual([newKid]);
});

it('replaces a key that has come of age', async () => {
  await query("UPDATE signing_key SET signs_from = now() - interval '31 days'");
  await auth.app.get(SigningKeys).reload();
  expect(await kids()).toHaveLength(2);
});

it('does not start with a secret that does not open its keys, and says which setting it is', async () => {
  await expect(startAuth(database, { keySecret: randomBytes(32).toString('base64') })).rejects.toThrow(/AUTH_KEY_SECRET does not open/);
});
