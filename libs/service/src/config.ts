import { hostname } from 'node:os';
import { isIP } from 'node:net';
import { type DatabaseConfig, type Host, parseHosts } from '@ballast/database';
import type { KafkaClientName } from '@ballast/messaging';
import { z } from 'zod';
import { given, NotGivenError } from './given.js';
import type { ServiceManifest } from './manifest.js';
import { type RetentionConfig, readRetention } from './retention.config.js';
import { wholeNumber } from './whole-number.js';

/** Variables by name. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What every service is told by its environment. The table in this library's README documents each variable. */
export interface BaseConfig {
  readonly manifest: ServiceManifest;
  readonly host: string;
  readonly port: number;
  /** Tells the replicas of a service apart in logs and at the broker. */
  readonly instanceId: string;
  readonly logLevel: string;
  readonly http: {
    /** Addresses, networks or `loopback` whose `X-Forwarded-For` is believed. */
    readonly trustedProxies: readonly string[];
    /** Requests per account (or address, without one) in 10 seconds; 0 switches the limit off. */
    readonly rateLimit: number;
    /** ms: how long a stopping service keeps idle connections, so that no client's next request is reset. */
    readonly shutdownGrace: number;
  };
  readonly auth: { readonly issuer: string; readonly audience: string; readonly jwksUrl: string };
  readonly database?: DatabaseConfig;
  /** What carries its messages. `memory` is for services that share a process: messages cannot leave it. */
  readonly transport?: 'kafka' | 'memory';
  readonly kafka?: { readonly brokers: readonly string[]; readonly client?: KafkaClientName; readonly replicationFactor?: number };
  /** Without it the defaults of the libraries hold. */
  readonly retention?: RetentionConfig;
}

/** One more variable: its name and the schema its text has to pass. */
export type Extra = readonly [variable: string, schema: z.ZodType];
export type ConfigOf<E extends Record<string, Extra>> = Readonly<BaseConfig & { [K in keyof E]: z.output<E[K][1]> }>;

/** The environment is wrong. Names every bad variable and what it should be; never a value, for it may be a secret. */
export class ConfigError extends Error {
  constructor(
    readonly service: string,
    readonly problems: readonly { variable: string; reason: string }[],
  ) {
    super(
      [
        `${service} cannot start: ${problems.length} mistake(s) in its environment`,
        ...problems.map((p) => `  ${p.variable}: ${p.reason}`),
      ].join('\n'),
    );
    this.name = 'ConfigError';
  }
}

const listOf = (isItem: (item: string) => boolean, message: string) =>
  z
    .string({ error: message })
    .transform((text) => text.split(',').map((item) => item.trim()))
    .refine((items) => items.every(isItem), message);

/** Spelled out, since importing the library for its names would load it into services without messages. */
const kafkaClients = ['kafkajs', 'platformatic'] as const satisfies readonly KafkaClientName[];
const kafkaClient = z.enum(kafkaClients, { error: `must be one of ${kafkaClients.join(', ')}` }).default('kafkajs');

const isBroker = (item: string): boolean => {
  const match = /^(?:\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(item);
  return match !== null && Number(match[1]) >= 1 && Number(match[1]) <= 65_535;
};
const brokers = listOf(isBroker, 'must be host:port, several with commas');

const isProxy = (item: string): boolean => {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(item)) return true;
  const [address = '', bits, ...rest] = item.split('/');
  const version = isIP(address);
  return version > 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)));
};
const proxies = z.union([
  z.literal('none').transform((): string[] => []),
  listOf(isProxy, 'must be addresses, networks (10.0.0.0/8), loopback, linklocal or uniquelocal, several with commas; or none'),
]);
const port = wholeNumber(0, 65_535);
const hosts = z.string({ error: 'is required: host:port, several with commas' }).transform((text, context): Host[] => {
  try {
    return parseHosts(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be host:port, several with commas' });
    return z.NEVER;
  }
});
const password = z.string({ error: 'is required' }).min(1);
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/**
 * Reads and checks the environment: the platform's variables and the service's own `extras`.
 *
 *     export const config = () => loadConfig(service, { pspUrl: ['PSP_URL', z.url()] });
 *
 * An empty variable counts as missing. Throws one `ConfigError` that lists every mistake. The result is frozen.
 */
export function loadConfig<const E extends Record<string, Extra> = Record<never, never>>(
  manifest: ServiceManifest,
  extras?: E,
  env: Env = process.env,
): ConfigOf<E> {
  const problems: { variable: string; reason: string }[] = [];
  const textOf = (variable: string): string | undefined => {
    try {
      return given(env, variable);
    } catch (error) {
      if (!(error instanceof NotGivenError)) throw error;
      if (!problems.some((p) => p.variable === error.variable)) problems.push({ variable: error.variable, reason: error.message });
      return undefined;
    }
  };
  const read = <S extends z.ZodType>(variable: string, schema: S): z.output<S> => {
    const whole = textOf(variable);
    const text = whole?.trim();
    // Blanks around a password are part of it.
    const result = schema.safeParse(text === '' ? undefined : (schema as z.ZodType) === password ? whole : text);
    if (!result.success) problems.push({ variable, reason: text ? messageOf(result.error) : 'is required' });
    return result.data as z.output<S>;
  };

  const transport = read('TRANSPORT', z.enum(['kafka', 'memory'], { error: 'must be kafka or memory' }).default('kafka'));
  const base: BaseConfig = {
    manifest,
    host: read('SERVICE_HOST', z.string().default('127.0.0.1')),
    port: read('PORT', port.default(manifest.port)),
    instanceId: read('INSTANCE_ID', z.string().default(`${manifest.name}-${hostname()}-${process.pid}`)),
    logLevel: read('LOG_LEVEL', z.enum(LEVELS, { error: `must be one of ${LEVELS.join(', ')}` }).default('info')),
    http: {
      trustedProxies: read('TRUSTED_PROXIES', proxies.default(['loopback'])),
      rateLimit: read('RATE_LIMIT', wholeNumber(0, 1_000_000).default(1000)),
      shutdownGrace: read('SHUTDOWN_GRACE_MS', wholeNumber(0, 15_000).default(5000)),
    },
    auth: {
      issuer: read('AUTH_ISSUER', z.string().default('ballast-auth')),
      audience: read('AUTH_AUDIENCE', z.string().default('ballast')),
      jwksUrl: read('AUTH_JWKS_URL', z.url('must be a URL').default('http://127.0.0.1:3001/auth/.well-known/jwks.json')),
    },
    ...(manifest.database && { database: readDatabase(manifest, read) }),
    transport,
    ...(manifest.messages.length > 0 && transport === 'kafka' && { kafka: readKafka(read) }),
    ...(manifest.database && { retention: readRetention(read, (variable, reason) => problems.push({ variable, reason })) }),
  };
  const own = Object.fromEntries(Object.entries(extras ?? {}).map(([key, [variable, schema]]) => [key, read(variable, schema)]));
  if (problems.length > 0) throw new ConfigError(manifest.name, problems);
  return deepFreeze({ ...base, ...own }, manifest) as ConfigOf<E>;
}

const readKafka = (read: Read): BaseConfig['kafka'] => ({
  brokers: read('KAFKA_BROKERS', brokers),
  client: read('KAFKA_CLIENT', kafkaClient),
  replicationFactor: read('KAFKA_REPLICATION_FACTOR', wholeNumber(1, 9).default(1)),
});

type Read = <S extends z.ZodType>(variable: string, schema: S) => z.output<S>;

function readDatabase(manifest: ServiceManifest, read: Read): DatabaseConfig {
  const ownerPassword = read('DATABASE_OWNER_PASSWORD', z.string().optional());
  const owner = read('DATABASE_OWNER', ownerPassword === undefined ? z.string().optional() : z.string());
  return {
    hosts: read('DATABASE_HOSTS', hosts),
    name: read('DATABASE_NAME', z.string().default(manifest.name)),
    user: read('DATABASE_USER', z.string().default(manifest.name)),
    password: read('DATABASE_PASSWORD', password),
    ...(owner && { owner: { user: owner, password: read('DATABASE_OWNER_PASSWORD', password) } }),
    poolSize: read('DATABASE_POOL', wholeNumber(2, 100).default(5)),
    applicationName: manifest.name,
  };
}

/** The first complaint; of alternatives, the last one's: it is the general one. */
const messageOf = ({ issues: [issue] }: z.ZodError): string =>
  (issue?.code === 'invalid_union' ? issue.errors.at(-1)?.[0] : issue)?.message ?? 'is wrong';

/** The manifest is frozen by its own maker, and holds contracts that are not ours to freeze. */
function deepFreeze<T extends object>(value: T, except: object): Readonly<T> {
  for (const part of Object.values(value))
    if (typeof part === 'object' && part !== null && part !== except && !ArrayBuffer.isView(part)) deepFreeze(part as object, except);
  return Object.freeze(value);
}
