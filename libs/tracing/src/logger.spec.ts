import { createLogger, isSecretKey, logger, type LoggerSettings, scrub } from './index.js';

function captured(settings: Partial<LoggerSettings> = {}) {
  const lines: string[] = [];
  const log = createLogger({ service: 'cart', ...settings, destination: { write: (line) => void lines.push(line) } });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

test('one JSON line with time, level and service', () => {
  const { log, last, lines } = captured();
  log.info({ orderId: '7' }, 'checked out');
  expect(last()).toEqual({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), service: 'cart', orderId: '7', msg: 'checked out' });
  expect(lines[0]!.endsWith('\n')).toBe(true);
});

test('keeps below its level silent', () => {
  const { log, lines } = captured({ level: 'warn' });
  log.info('hidden');
  expect(lines).toEqual([]);
});

test('the last one made is the process logger', () => {
  const { log } = captured();
  expect(logger()).toBe(log);
});

describe('redaction', () => {
  const nasty = [
    ...[
      'password',
      'newPassword',
      'PASSWORD_HASH',
      'passwd',
      'pwd',
      'pass',
      'passphrase',
      'secret',
      'client_secret',
      'DATABASE_OWNER_PASSWORD',
    ],
    ...[
      'token',
      'accessToken',
      'refresh_token',
      'paymentToken',
      'id-token',
      'jwt',
      'authorization',
      'Authorization',
      'proxy-authorization',
    ],
    ...[
      'cookie',
      'set-cookie',
      'apiKey',
      'x-api-key',
      'private_key',
      'privateKey',
      'credentials',
      'email',
      'e-mail',
      'E_Mail',
      'emailAddress',
    ],
    ...['cardNumber', 'card_number', 'pan', 'cvc', 'cvv', 'iban', 'pin', 'otp'],
  ];
  const harmless = ['orderId', 'traceparent', 'status', 'span_id', 'company', 'spinner', 'path', 'passed', 'key', 'author'];

  test.each(nasty)('%s', (key) => expect(isSecretKey(key)).toBe(true));
  test.each(harmless)('not %s', (key) => expect(isSecretKey(key)).toBe(false));

  test('reaches every depth, lists, maps and child loggers', () => {
    const { log, lines } = captured();
    for (const key of nasty) {
      log.info({ [key]: 'hunter2', request: { body: { list: [{ [key]: { deep: 'hunter2' } }] } }, map: new Map([[key, 'hunter2']]) }, 'x');
      log.child({ [key]: 'hunter2' }).info('x');
    }
    expect(lines).toHaveLength(nasty.length * 2);
    expect(lines.join('')).not.toContain('hunter2');
  });

  test('an error is told by name, code, message, stack and causes, not by the values it carries', () => {
    const { log, last, lines } = captured();
    const driver = Object.assign(new Error('duplicate key'), { code: '23505', detail: 'hunter2', parameters: ['hunter2'] });
    log.error(new AggregateError([new Error('inner', { cause: driver })], 'outer'));
    expect(last()).toMatchObject({
      msg: 'outer',
      err: { type: 'AggregateError', errors: [{ message: 'inner', cause: { code: '23505' } }] },
    });
    expect(last()).toHaveProperty('err.stack');
    log.error({ err: driver, error: driver }, 'again');
    expect(last()).toMatchObject({ err: { message: 'duplicate key' }, error: { message: 'duplicate key' } });
    expect(lines.join('')).not.toContain('hunter2');
  });

  test.each([
    'mail to ann.lee+shop@mail.example.org bounced',
    'Authorization: Bearer ann@mail.example.org0123456789',
    'token eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl-ann@ is bad',
    'connect postgres://cart:ann@db:5432/cart failed',
  ])('text: %s', (text) => {
    const { log, lines } = captured();
    log.warn(text);
    log.warn({ err: new Error(text) }, 'x');
    for (const line of lines) {
      expect(line).toContain('[redacted]');
      expect(line).not.toMatch(/ann[.@]|eyJ/);
      expect(() => JSON.parse(line) as unknown).not.toThrow();
    }
  });

  test('leaves ordinary text alone', () => {
    const text = 'GET http://127.0.0.1:8080/orders/7 took 5 ms; @ballast/tracing 1.2.3; basic auth is off';
    expect(scrub(text)).toBe(text);
  });

  test('survives cycles, depth, big integers, dates and bytes', () => {
    const { log, last } = captured();
    const loop: Record<string, unknown> = { n: 1n, at: new Date(0), bytes: Buffer.from('hunter2') };
    loop['self'] = loop;
    log.info({ loop }, 'x');
    expect(last()['loop']).toEqual({ n: '1', at: '1970-01-01T00:00:00.000Z', bytes: '[7 bytes]', self: '[circular]' });
  });
});

test('pretty is one readable line, with the stack below', () => {
  const { log, lines } = captured({ pretty: true });
  log.error({ orderId: '7', password: 'hunter2', err: new Error('broken') }, 'failed');
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} ERROR cart {2}failed orderId=7 password=\[redacted\]\nError: broken\n {4}at /);
});
