import { parseDemo, parseStart } from './options.js';

describe('the options of npm start', () => {
  it('has defaults', () => {
    expect(parseStart([], {})).toEqual({ help: false, options: { portOffset: 0, fresh: false } });
  });

  it('takes its flags, and its brokers and collector from the environment', () => {
    const env = { KAFKA_BROKERS: 'a:9092, b:9093', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(parseStart(['--fresh', '--port-offset', '100', '--home', '/data'], env).options).toEqual({
      fresh: true,
      portOffset: 100,
      home: '/data',
      kafka: { brokers: ['a:9092', 'b:9093'] },
      otlpEndpoint: 'http://collector:4318',
    });
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/v1/traces', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a' }, 'http://t/v1/traces'],
    [{ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a' }, false],
    [{ OTEL_SDK_DISABLED: ' True', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_SDK_DISABLED: 'false' }, undefined],
  ])('reads %j as tracing does', (env, endpoint) => expect(parseStart([], env).options.otlpEndpoint).toBe(endpoint));

  it('takes a kind of Kafka, or none', () => {
    expect(parseStart(['--kafka', 'memory'], {}).options.kafka).toEqual({ choose: 'memory' });
    const brokers = { KAFKA_BROKERS: 'a:9092' };
    expect(parseStart(['--kafka', 'external'], brokers).options.kafka).toEqual({ choose: 'external', brokers: ['a:9092'] });
  });

  it.each([
    [['--kafka', 'rabbit'], /^--kafka must be one of external, docker, java, memory, not "rabbit"$/],
    [['--kafka', 'external'], /^--kafka external needs KAFKA_BROKERS$/],
    [['--frsh'], /^Unknown option '--frsh'; see --help$/],
    [['now'], /^Unexpected argument 'now'/],
    [['--port-offset', 'ten'], /^--port-offset must be a whole number from 0 to 48849, not "ten"$/],
    [['--port-offset', '60000'], /^--port-offset must be/],
    [['--home'], /^Option '--home <value>' argument missing/],
  ])('refuses %j in one line', (args, message) => {
    expect(() => parseStart(args, {})).toThrow(message);
    expect(() => parseStart(args, {})).toThrow(/^[^\n]+$/);
  });

  it('refuses brokers without a port', () => {
    expect(() => parseStart([], { KAFKA_BROKERS: 'kafka' })).toThrow(
      'KAFKA_BROKERS must be host:port, several with commas; "kafka" is not',
    );
  });
});

describe('the options of npm run demo', () => {
  it('takes a payment token', () => {
    expect(parseDemo([]).token).toBe('tok_ok');
    expect(parseDemo(['--token', 'tok_declined']).token).toBe('tok_declined');
  });

  it('refuses what it does not know', () => {
    expect(() => parseDemo(['--tok', 'x'])).toThrow(/Unknown option '--tok'/);
  });
});
