import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { event } from '@ballast/message';
import { z } from 'zod';
import { ConfigError, loadConfig } from './config.js';
import { defineService } from './manifest.js';

const happened = event('sample.happened.v1', { key: (p) => p.id, payload: z.object({ id: z.string() }) });
const plain = defineService({ name: 'plain', port: 3999, database: false });
const full = defineService({ name: 'sample', port: 3998, database: true, messages: [happened], consumes: [happened] });
const env = { DATABASE_HOSTS: 'a:5432,b:5433', DATABASE_PASSWORD: 'pw', KAFKA_BROKERS: 'k1:9092, k2:9092' };

describe('loadConfig', () => {
  let directory: string | undefined;
  afterEach(() => {
    if (directory) rmSync(directory, { recursive: true });
    directory = undefined;
  });

  it('needs nothing for a service without database and broker', () => {
    expect(loadConfig(plain, {}, {})).toMatchObject({ host: '127.0.0.1', port: 3999, http: { rateLimit: 1000 } });
    expect(loadConfig(plain, {}, {})).not.toHaveProperty('database');
  });

  it('reads hosts, brokers and the names of database and role', () => {
    const config = loadConfig(full, {}, { ...env, DATABASE_OWNER: 'sample_owner', DATABASE_OWNER_PASSWORD: 'opw' });
    expect(config.database).toMatchObject({
      hosts: [
        { host: 'a', port: 5432 },
        { host: 'b', port: 5433 },
      ],
      name: 'sample',
      user: 'sample',
      owner: { user: 'sample_owner', password: 'opw' },
    });
    expect(config.kafka).toEqual({ brokers: ['k1:9092', 'k2:9092'], client: 'kafkajs', replicationFactor: 1 });
  });

  it('reads a secret from the file that <variable>_FILE names', () => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-config-'));
    const file = join(directory, 'password');
    writeFileSync(file, ' from a file\n');
    const { DATABASE_PASSWORD: _, ...others } = env;
    expect(loadConfig(full, {}, { ...others, DATABASE_PASSWORD_FILE: file }).database?.password).toBe(' from a file');
    const message = (given: Record<string, string>) => (catchError(() => loadConfig(full, {}, { ...others, ...given })) as Error).message;
    expect(message({ DATABASE_PASSWORD_FILE: `${file}-gone` })).toContain(
      'DATABASE_PASSWORD_FILE: names a file that cannot be read (ENOENT)',
    );
    expect(message({ DATABASE_PASSWORD_FILE: file, DATABASE_PASSWORD: 'pw' })).toContain(
      'DATABASE_PASSWORD_FILE: is given beside DATABASE_PASSWORD',
    );
  });

  it('takes how many copies a topic has', () => {
    expect(loadConfig(full, {}, { ...env, KAFKA_REPLICATION_FACTOR: '3' }).kafka?.replicationFactor).toBe(3);
  });

  it('lists every mistake at once, by name and never by value', () => {
    const bad = { PORT: 'ninety', LOG_LEVEL: 'shouting', DATABASE_HOSTS: 'a:b:c', DATABASE_OWNER: 'o', PSP_URL: 'hunter2' };
    const error = catchError(() => loadConfig(full, { pspUrl: ['PSP_URL', z.url()], secret: ['PSP_SECRET', z.string()] }, bad));
    expect(error).toBeInstanceOf(ConfigError);
    const names = [
      'DATABASE_HOSTS',
      'DATABASE_OWNER_PASSWORD',
      'DATABASE_PASSWORD',
      'KAFKA_BROKERS',
      'LOG_LEVEL',
      'PORT',
      'PSP_SECRET',
      'PSP_URL',
    ];
    expect((error as ConfigError).problems.map((p) => p.variable).sort()).toEqual(names);
    for (const value of Object.values(bad).slice(0, 3)) expect((error as Error).message).not.toContain(value);
    expect((error as Error).message).not.toContain('hunter2');
    expect((error as Error).message.split('\n')).toHaveLength(names.length + 1);
  });

  it.each([
    ['KAFKA_BROKERS', [',', 'k1', 'k1:', 'k1:0', 'k1:99999', 'k1:9092,', 'k1:9092,k2', 'http://k1:9092']],
    ['TRUSTED_PROXIES', ['nonsense', ',', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.1/8/8', 'none,loopback']],
    ['DATABASE_POOL', ['1', '101', '2.5', 'two']],
    ['PORT', ['-1', '65536', '1.5', 'x']],
    ['RATE_LIMIT', ['-1', '0.5', 'many']],
    ['INBOX_RETENTION', ['59s', '7', '-1h', 'a week', '6d5', '1e99d', '5d']],
    ['SAGA_RETENTION', ['0', '10s', '7 d']],
  ])('refuses nonsense in %s, and says what it should be', (variable, values) => {
    for (const value of values) {
      const error = catchError(() => loadConfig(full, {}, { ...env, [variable]: value })) as ConfigError;
      expect([value, error.problems]).toEqual([
        value,
        [
          {
            variable,
            reason: expect.stringMatching(
              /^must be (a duration of a minute|at least twice TOPIC|host:port|addresses|a whole number from \d+ to \d+)/,
            ),
          },
        ],
      ]);
    }
  });

  it('reads which Kafka client to use, and refuses one that is not there', () => {
    expect(loadConfig(full, {}, { ...env, KAFKA_CLIENT: 'platformatic' }).kafka?.client).toBe('platformatic');
    expect(catchError(() => loadConfig(full, {}, { ...env, KAFKA_CLIENT: 'librdkafka' }))).toMatchObject({
      problems: [{ variable: 'KAFKA_CLIENT', reason: 'must be one of kafkajs, platformatic' }],
    });
  });

  it.each([
    ['10.0.0.0/8, ::1 ,uniquelocal', ['10.0.0.0/8', '::1', 'uniquelocal']],
    ['none', []],
    [' ', ['loopback']],
  ])('reads the proxies %j', (text, proxies) =>
    expect(loadConfig(full, {}, { ...env, TRUSTED_PROXIES: text }).http.trustedProxies).toEqual(proxies),
  );

  it('leaves the blanks of a password alone', () => {
    const secrets = { DATABASE_PASSWORD: ' a ', DATABASE_OWNER: ' o ', DATABASE_OWNER_PASSWORD: '\tb ' };
    expect(loadConfig(full, {}, { ...env, ...secrets }).database).toMatchObject({
      password: ' a ',
      owner: { user: 'o', password: '\tb ' },
    });
  });

  it('does not ignore an owner’s password without the owner', () => {
    expect(catchError(() => loadConfig(full, {}, { ...env, DATABASE_OWNER_PASSWORD: 'x' }))).toMatchObject({
      problems: [{ variable: 'DATABASE_OWNER', reason: 'is required' }],
    });
  });

  it('counts an empty variable as missing', () => {
    expect(catchError(() => loadConfig(full, {}, { ...env, DATABASE_PASSWORD: ' ' }))).toMatchObject({
      problems: [{ variable: 'DATABASE_PASSWORD', reason: 'is required' }],
    });
  });

  it('is frozen to the bottom', () => {
    const config = loadConfig(full, { list: ['LIST', z.string().transform((s) => [s])] }, { ...env, LIST: 'x' });
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.http, { rateLimit: 1 })).toThrow(TypeError);
    expect(() => config.list.push('y')).toThrow(TypeError);
  });
});

describe('defineService', () => {
  it.each([
    [{ name: 'Cart', port: 1, database: false }, /lower case/],
    [{ name: 'cart', port: 0, database: false }, /port/],
    [{ name: 'cart', port: 1, database: false, routes: ['cart'] }, /path segment/],
    [{ name: 'cart', port: 1, database: true, consumes: [happened] }, /sample.happened.v1: add `messages`/],
    [{ name: 'cart', port: 1, database: false, messages: [happened] }, /need a database/],
  ])('refuses %o', (options, message) => expect(() => defineService(options)).toThrow(message));
});

function catchError(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
