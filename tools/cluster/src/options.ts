import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { ClusterOptions } from './cluster.js';
import { ClusterError, messageOf } from './errors.js';

type Env = Readonly<Record<string, string | undefined>>;

export const startHelp = `Usage: npm start [-- options]

  --fresh            begin with nothing: drops data, logs, passwords and keys of earlier runs
  --port-offset N    add N to every port, to run beside something else
  --home DIRECTORY   keep data elsewhere than in .ballast
  --kafka KIND       external (KAFKA_BROKERS), docker or java instead of the first that is there; memory: none, every
                     service in one process, as where there is no Kafka
  --help

KAFKA_BROKERS uses brokers that run already, OTEL_EXPORTER_OTLP_ENDPOINT (or _TRACES_ENDPOINT) sends traces
there, OTEL_TRACES_EXPORTER=none nowhere.`;

export const demoHelp = `Usage: npm run demo [-- options]

  --token TOKEN      the payment token: tok_ok (default), tok_declined, tok_insufficient_funds,
                     tok_capture_declined, tok_slow, tok_flaky, tok_unknown
  --home DIRECTORY   of a cluster that keeps its data elsewhere than in .ballast
  --help`;

/** @throws {ClusterError} for an option or a variable that cannot be understood */
export function parseStart(args: readonly string[], env: Env): { help: boolean; options: ClusterOptions } {
  const values = parse(args, {
    fresh: { type: 'boolean', default: false },
    'port-offset': { type: 'string', default: '0' },
    home: { type: 'string' },
    kafka: { type: 'string' },
    help: { type: 'boolean', default: false },
  });
  const offset = Number(values['port-offset']);
  const highest = 65_535 - 16_686;
  if (!Number.isInteger(offset) || offset < 0 || offset > highest) {
    throw new ClusterError(`--port-offset must be a whole number from 0 to ${highest}, not "${String(values['port-offset'])}"`);
  }
  const brokers = env['KAFKA_BROKERS']
    ?.split(',')
    .map((broker) => broker.trim())
    .filter(Boolean);
  const bad = brokers?.find((broker) => !/^[^\s:]+:\d+$/.test(broker));
  if (bad !== undefined) throw new ClusterError(`KAFKA_BROKERS must be host:port, several with commas; "${bad}" is not`);
  const choose = kafkaKindOf(values['kafka'], brokers);
  return {
    help: values['help'] === true,
    options: {
      portOffset: offset,
      fresh: values['fresh'] === true,
      ...(typeof values['home'] === 'string' && { home: values['home'] }),
      ...((brokers?.length || choose) && { kafka: { ...(brokers?.length && { brokers }), ...(choose && { choose }) } }),
      ...otlpOf(env),
    },
  };
}

const kafkaKinds = ['external', 'docker', 'java', 'memory'] as const;

function kafkaKindOf(wanted: unknown, brokers: readonly string[] | undefined): (typeof kafkaKinds)[number] | undefined {
  if (wanted === undefined) return undefined;
  const kind = kafkaKinds.find((each) => each === wanted);
  if (!kind) throw new ClusterError(`--kafka must be one of ${kafkaKinds.join(', ')}, not "${String(wanted)}"`);
  if (kind === 'external' && !brokers?.length) throw new ClusterError('--kafka external needs KAFKA_BROKERS');
  return kind;
}

/** By the variables that `@ballast/tracing` goes by: what services inherit decides over what they are told. */
function otlpOf(env: Env): Pick<ClusterOptions, 'otlpEndpoint'> {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return { otlpEndpoint: false };
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return endpoint ? { otlpEndpoint: endpoint } : {};
}

/** @throws {ClusterError} for an option that cannot be understood */
export function parseDemo(args: readonly string[]): { help: boolean; token: string; home?: string } {
  const { help, token, home } = parse(args, {
    token: { type: 'string', default: 'tok_ok' },
    home: { type: 'string' },
    help: { type: 'boolean', default: false },
  });
  return { help: help === true, token: String(token), ...(typeof home === 'string' && { home }) };
}

function parse(args: readonly string[], options: NonNullable<ParseArgsConfig['options']>): Record<string, unknown> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Node's message goes on with advice about positional arguments, which there are none of.
    throw new ClusterError(`${messageOf(error).split('. ')[0]}; see --help`, { cause: error });
  }
}
