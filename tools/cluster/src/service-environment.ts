import type { ServiceManifest } from '@ballast/service/manifest';
import type { Host } from '@ballast/testing';
import type { Secrets } from './secrets.js';

/** What services are told about the world around them. */
export interface World {
  manifests: readonly ServiceManifest[];
  portOf(manifest: ServiceManifest): number;
  secrets: Secrets;
  databaseHosts: readonly Host[];
  /** None: messages stay in the memory of the process that all services share. */
  brokers?: readonly string[];
  /** The file of accounts that auth creates when it starts. */
  bootstrapFile: string;
}

/** Variables of ours that a service gets too; all else it needs is told by name, so that no secret leaks into another service. */
const inherited =
  /^(PATH|HOME|TZ|LANG|LC_.*|TMPDIR|NODE_OPTIONS|NODE_ENV|NODE_COMPILE_CACHE|NODE_EXTRA_CA_CERTS|LOG_LEVEL|RATE_LIMIT|KAFKA_CLIENT|OTEL_.*)$/;

/**
 * The environment of one service. Its own secrets, and of a service it needs the URL and the API key:
 * `payment` needs `psp`, so it gets `PSP_URL` and `PSP_API_KEY`.
 */
export function serviceEnvironment(manifest: ServiceManifest, world: World): Record<string, string> {
  const { name } = manifest;
  const { secrets } = world;
  const urlOf = (service: string) => {
    const found = world.manifests.find((each) => each.name === service);
    return found && `http://127.0.0.1:${world.portOf(found)}`;
  };
  const passwords = databasePasswords(name, secrets);
  return {
    ...inheritedEnvironment(),
    SERVICE_HOST: '127.0.0.1',
    PORT: String(world.portOf(manifest)),
    // The same after a crash, so that the next process takes its relay's lease back at once.
    INSTANCE_ID: `${name}-0`,
    OTEL_SERVICE_NAME: name,
    AUTH_JWKS_URL: `${urlOf('auth') ?? ''}/auth/.well-known/jwks.json`,
    ...(manifest.database && {
      DATABASE_HOSTS: world.databaseHosts.map(({ host, port }) => `${host}:${port}`).join(','),
      DATABASE_NAME: name,
      DATABASE_USER: name,
      DATABASE_PASSWORD: passwords.password,
      DATABASE_OWNER: `${name}_owner`,
      DATABASE_OWNER_PASSWORD: passwords.ownerPassword,
    }),
    ...(manifest.messages.length > 0 && (world.brokers ? { KAFKA_BROKERS: world.brokers.join(',') } : { TRANSPORT: 'memory' })),
    ...Object.fromEntries(manifest.needs.map((need) => [`${constant(need)}_URL`, urlOf(need) ?? ''])),
    ...Object.fromEntries([name, ...manifest.needs].map((each) => [`${constant(each)}_API_KEY`, secrets.get(`${each}ApiKey`)])),
    ...(name === 'auth' && { AUTH_KEY_SECRET: secrets.get('authKeySecret'), AUTH_BOOTSTRAP_FILE: world.bootstrapFile }),
  };
}

/** What a service gets of our own environment. */
export function inheritedEnvironment(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => inherited.test(entry[0])));
}

/** The passwords of a service's two database roles. */
export function databasePasswords(name: string, secrets: Secrets): { password: string; ownerPassword: string } {
  return { password: secrets.get(`${name}DatabasePassword`), ownerPassword: secrets.get(`${name}DatabaseOwnerPassword`) };
}

function constant(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
