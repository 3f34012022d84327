import { Database } from '@ballast/database';
import type { TestService } from '@ballast/service/testing';
import { testDatabase } from '@ballast/testing';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { SessionTokens } from '../src/auth.schemas.js';
import { newEmail, PASSWORD, post, startAuth, type TestDb } from './setup.js';

let database: TestDb;
let auth: TestService;
beforeAll(async () => {
  database = await testDatabase('auth');
  auth = await startAuth(database);
});
afterAll(async () => {
  await auth?.close();
  await database?.drop();
});

const query = (sql: string, values: unknown[] = []) => auth.app.get(Database, { strict: false }).primary.query(sql, values);
const signIn = async (): Promise<SessionTokens> => {
  const email = newEmail();
  await post(auth, '/auth/accounts', { email, password: PASSWORD });
  return (await post(auth, '/auth/sessions', { email, password: PASSWORD })).body;
};
const refresh = (refreshToken: string) => post(auth, '/auth/sessions/refresh', { refreshToken });
const refused = { status: 401, body: { code: 'AUTH_INVALID_REFRESH_TOKEN' } };
/** Moves every spent token so many seconds into the past. */
const later = (seconds: number) => query('UPDATE refresh_token SET spent_at = spent_at - make_interval(secs => $1)', [seconds]);

it('signs in with a short access token and a refresh token', async () => {
  const session = await signIn();
  expect(session).toMatchObject({ tokenType: 'Bearer', expiresIn: 600 });
  expect(decodeProtectedHeader(session.accessToken)).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' });
  const claims = decodeJwt(session.accessToken);
  expect(claims.exp! - claims.iat!).toBe(600);
  expect(JSON.stringify(claims)).not.toContain('@');
});

it('replaces the refresh token at each use', async () => {
  const first = await signIn();
  const second = (await refresh(first.refreshToken)).body;
  expect(second.refreshToken).not.toBe(first.refreshToken);
  const third = await refresh(second.refreshToken);
  expect(third).toMatchObject({ status: 200, body: { tokenType: 'Bearer', expiresIn: 600 } });
  expect((await auth.request('/auth/accounts/me', { token: third.body.accessToken })).status).toBe(200);
});

it('answers are not cached', async () => {
  const { refreshToken } = await signIn();
  expect((await refresh(refreshToken)).headers.get('cache-control')).toBe('no-store');
});

describe('a repeated token', () => {
  it('gives the same successor while that is unused: the answer was lost', async () => {
    const { refreshToken } = await signIn();
    const first = await refresh(refreshToken);
    const again = await refresh(refreshToken);
    expect(again).toMatchObject({ status: 200, body: { refreshToken: first.body.refreshToken } });
    expect((await refresh(again.body.refreshToken)).status).toBe(200);
  });

  it('gives one successor to any number at once', async () => {
    const { refreshToken } = await signIn();
    const answers = await Promise.all(Array.from({ length: 12 }, () => refresh(refreshToken)));
    expect(answers.map((a) => a.status)).toEqual(Array(12).fill(200));
    expect(new Set(answers.map((a) => a.body.refreshToken)).size).toBe(1);
  });

  it('ends the family once the successor was used', async () => {
    const { refreshToken } = await signIn();
    const second = (await refresh(refreshToken)).body.refreshToken;
    const third = (await refresh(second)).body.refreshToken;
    expect(await refresh(refreshToken)).toMatchObject(refused);
    expect(await refresh(third)).toMatchObject(refused);
  });

  it('ends the family after 10 seconds', async () => {
    const { refreshToken } = await signIn();
    const second = (await refresh(refreshToken)).body.refreshToken;
    await later(9);
    expect((await refresh(refreshToken)).body.refreshToken).toBe(second);
    await later(2);
    expect(await refresh(refreshToken)).toMatchObject(refused);
    expect(await refresh(second)).toMatchObject(refused);
  });

  it('does not touch other sessions of the account', async () => {
    const email = newEmail();
    await post(auth, '/auth/accounts', { email, password: PASSWORD });
    const [one, other] = await Promise.all([0, 1].map(() => post(auth, '/auth/sessions', { email, password: PASSWORD })));
    await refresh(one!.body.refreshToken);
    await later(20);
    await refresh(one!.body.refreshToken);
    expect((await refresh(other!.body.refreshToken)).status).toBe(200);
  });
});

it('refuses what is no token, and one of another family ends nothing', async () => {
  expect(await refresh('made up')).toMatchObject(refused);
});

it('DELETE /auth/sessions/current ends the family; the access token runs out by itself', async () => {
  const session = await signIn();
  const out = () => auth.request('/auth/sessions/current', { method: 'DELETE', token: session.accessToken });
  expect((await out()).status).toBe(204);
  expect(await refresh(session.refreshToken)).toMatchObject(refused);
  expect((await auth.request('/auth/accounts/me', { token: session.accessToken })).status).toBe(200);
  expect((await out()).status).toBe(204);
  expect((await auth.request('/auth/sessions/current', { method: 'DELETE' })).status).toBe(401);
});

it('a family lives 30 days, or a day after its end, and is then deleted with its tokens', async () => {
  const { refreshToken, accessToken } = await signIn();
  const family = decodeJwt(accessToken)['sid'];
  const [{ days }] = await query('SELECT extract(day FROM expires_at - now())::int AS days FROM refresh_family WHERE id = $1', [family]);
  expect([29, 30]).toContain(days);
  await query("UPDATE refresh_family SET expires_at = now() - interval '1 second' WHERE id = $1", [family]);
  expect(await refresh(refreshToken)).toMatchObject(refused);
  const ended = await Promise.all(
    [25, 23].map(async (hours) => {
      const sid = decodeJwt((await signIn()).accessToken)['sid'];
      await query("UPDATE refresh_family SET ended_at = now() - $2 * interval '1 hour' WHERE id = $1", [sid, hours]);
      return sid;
    }),
  );
  expect(await auth.app.get(Database, { strict: false }).retention.prune()).toMatchObject({ refresh_family: 2 });
  const left = await query('SELECT DISTINCT family_id FROM refresh_token WHERE family_id = ANY ($1)', [[family, ...ended]]);
  expect(left).toEqual([{ family_id: ended[1] }]);
});

it('keeps hashes of tokens only, and no salt once a successor was used', async () => {
  const { refreshToken, accessToken } = await signIn();
  const second = (await refresh(refreshToken)).body.refreshToken;
  await refresh(second);
  const rows = await query('SELECT encode(hash, $2) AS hash, salt FROM refresh_token WHERE family_id = $1 ORDER BY spent_at NULLS LAST', [
    decodeJwt(accessToken)['sid'],
    'escape',
  ]);
  expect(rows).toHaveLength(3);
  expect(rows[0].salt).toBeNull();
  const dump = JSON.stringify(await query("SELECT encode(hash, 'base64') AS a, encode(successor, 'base64') AS b FROM refresh_token"));
  for (const token of [refreshToken, second]) expect(dump).not.toContain(token.slice(0, 20));
});
