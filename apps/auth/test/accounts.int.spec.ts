import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '@ballast/database';
import type { TestService } from '@ballast/service/testing';
import { testDatabase } from '@ballast/testing';
import { DataSource } from 'typeorm';
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

const register = (email: string, password = PASSWORD) => post(auth, '/auth/accounts', { email, password });
const signIn = (email: string, password = PASSWORD, peer = '198.51.100.1') =>
  post(auth, '/auth/sessions', { email, password }, { 'x-forwarded-for': peer });

describe('POST /auth/accounts', () => {
  it('201 with the account', async () => {
    const email = newEmail();
    expect(await register(email)).toMatchObject({ status: 201, body: { accountId: expect.stringMatching(/^[0-9a-f-]{36}$/), email } });
  });

  it('409 when the address is taken, in whatever spelling', async () => {
    const email = newEmail();
    await register(email);
    expect((await register(` ${email.toUpperCase()} `)).body).toMatchObject({ status: 409, code: 'AUTH_EMAIL_TAKEN' });
  });

  it('of 20 at once with one address exactly one gets it', async () => {
    const email = newEmail();
    const answers = await Promise.all(Array.from({ length: 20 }, () => register(email)));
    expect(answers.map((a) => a.status).sort()).toEqual([201, ...Array<number>(19).fill(409)]);
  });

  it.each([
    ['no address', { password: PASSWORD }, 'email'],
    ['what is no address', { email: 'me', password: PASSWORD }, 'email'],
    ['a password of 9 characters', { email: 'a@b.test', password: '123456789' }, 'password'],
    ['a password of 129 characters', { email: 'a@b.test', password: 'x'.repeat(129) }, 'password'],
  ])('400 for %s', async (_, body, field) => {
    expect((await post(auth, '/auth/accounts', body)).body).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ path: field }] });
  });

  it('counts characters, not code units', async () => {
    expect((await register(newEmail(), '🔑'.repeat(128))).status).toBe(201);
    expect((await register(newEmail(), '🔑'.repeat(9))).status).toBe(400);
  });

  it('gives nobody a role', async () => {
    const email = newEmail();
    await post(auth, '/auth/accounts', { email, password: PASSWORD, roles: ['merchant'] });
    const { body } = await signIn(email);
    expect((await auth.request('/auth/accounts/me', { token: body.accessToken })).body.roles).toEqual([]);
  });

  it('keeps the password as argon2id and nowhere else', async () => {
    const email = newEmail();
    await register(email);
    const db = auth.app.get(Database, { strict: false }).primary;
    const [row] = await db.query('SELECT * FROM account WHERE email = $1', [email]);
    expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(JSON.stringify(row)).not.toContain(PASSWORD);
  });
});

describe('POST /auth/sessions', () => {
  it('401 for a wrong password and for an unknown account, word for word the same', async () => {
    const email = newEmail();
    await register(email);
    const wrong = await signIn(email, 'not the password');
    const unknown = await signIn(newEmail());
    const { traceId: _a, ...one } = wrong.body;
    const { traceId: _b, ...other } = unknown.body;
    expect(one).toMatchObject({ status: 401, code: 'AUTH_INVALID_CREDENTIALS' });
    expect(other).toEqual(one);
  });

  it('slows down guessing at one account from one address, even all at once, and locks out nobody else', async () => {
    const email = newEmail();
    await register(email);
    const guesses = await Promise.all(Array.from({ length: 14 }, (_, i) => signIn(email, `guess number ${i}`, '203.0.113.7')));
    expect(guesses.filter((a) => a.status === 401)).toHaveLength(10);
    const refused = guesses.filter((a) => a.status === 429);
    expect(refused).toHaveLength(4);
    expect(refused[0]!.body.code).toBe('AUTH_TOO_MANY_ATTEMPTS');
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await signIn(email, PASSWORD, '203.0.113.7')).status).toBe(429);
    expect((await signIn(email, PASSWORD, '203.0.113.8')).status).toBe(201);
  });

  it('counts no attempt whose account could not be looked up: an outage locks out nobody', async () => {
    const email = newEmail();
    await register(email);
    const { config } = database;
    const { user: username, password } = config.owner;
    const owner = await new DataSource({ type: 'postgres', ...config.hosts[0]!, username, password, database: config.name }).initialize();
    await owner.query('ALTER TABLE account RENAME TO account_away');
    try {
      // One after the other: those at once count until each is decided.
      for (let n = 0; n < 12; n++) expect((await signIn(email, PASSWORD, '203.0.113.9')).status).toBe(500);
    } finally {
      await owner.query('ALTER TABLE account_away RENAME TO account');
      await owner.destroy();
    }
    expect((await signIn(email, PASSWORD, '203.0.113.9')).status).toBe(201);
  });
});

describe('GET /auth/accounts/me', () => {
  it('the account of the token', async () => {
    const email = newEmail();
    const { body } = await register(email);
    const session = await signIn(email);
    expect(await auth.request('/auth/accounts/me', { token: session.body.accessToken })).toMatchObject({
      status: 200,
      body: { accountId: body.accountId, email, roles: [] },
    });
    expect((await auth.request('/auth/accounts/me')).status).toBe(401);
  });

  it('404 when the account is gone', async () => {
    const email = newEmail();
    await register(email);
    const session = await signIn(email);
    await auth.app.get(Database, { strict: false }).primary.query('DELETE FROM account WHERE email = $1', [email]);
    expect((await auth.request('/auth/accounts/me', { token: session.body.accessToken })).body.code).toBe('AUTH_ACCOUNT_NOT_FOUND');
  });
});

describe('the bootstrap file', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'ballast-'))));
  afterAll(() => rm(folder, { recursive: true }));

  const boot = async (content: string) => {
    const bootstrapFile = join(folder, 'bootstrap.json');
    await writeFile(bootstrapFile, content);
    return startAuth(database, { bootstrapFile });
  };

  it('makes its accounts once, before the service says it is ready, and leaves them alone afterwards', async () => {
    const merchant = { email: newEmail(), password: PASSWORD, roles: ['merchant'] };
    const first = await boot(JSON.stringify({ accounts: [merchant] }));
    const signedIn = await post(first, '/auth/sessions', merchant);
    expect((await first.request('/auth/accounts/me', { token: signedIn.body.accessToken })).body.roles).toEqual(['merchant']);
    await first.close();

    const second = await boot(JSON.stringify({ accounts: [{ ...merchant, password: 'another password', roles: [] }] }));
    expect((await post(second, '/auth/sessions', merchant)).status).toBe(201);
    await second.close();
  });

  it.each([
    ['not JSON', '{', /it is not JSON/],
    ['wrong', '{"accounts":[{"email":"a@b.test","password":"hunter2"}]}', /accounts.0.password/],
  ])('stops a start with a file that is %s, without a word of what it holds', async (_, content, message) => {
    const failure = await boot(content).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure?.message).toMatch(message);
    expect(failure?.message).not.toContain('hunter2');
  });
});
