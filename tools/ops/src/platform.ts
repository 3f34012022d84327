import { existsSync } from 'node:fs';
import { ClusterError, type Credentials, openHome, readManifests, readPrivate, readRun } from '@ballast/cluster';
import { OpsClient, type TokenSource } from './client.js';

/** Where the platform is, as the command line and the environment say. */
export interface Whereabouts {
  /** Of a platform of `npm start`; `.ballast` by default. */
  home?: string;
  /** Services by URL, instead of those that `npm start` runs here. `auth` is among them. */
  urls?: Readonly<Record<string, string>>;
  /** Only this service. */
  service?: string;
  /** Who asks, instead of the operator of the home's credentials.json. */
  account?: Credentials;
  /** The accounts that auth was begun with, instead of a home's credentials.json. */
  accountsFile?: string;
  /** The web page of a Jaeger. */
  jaeger?: string;
}

/** A platform that runs, for its operator. */
export class OpsPlatform {
  private constructor(
    private readonly clients: ReadonlyMap<string, OpsClient>,
    private readonly jaeger: string | undefined,
  ) {}

  /** Asks nobody yet. @throws {ClusterError} when nothing runs, or who asks is not known */
  static async open({ home: directory, urls, service, account, accountsFile, jaeger }: Whereabouts): Promise<OpsPlatform> {
    const found = urls
      ? { urls, operable: Object.keys(urls).filter((name) => name !== 'auth'), jaeger: undefined }
      : await running(directory);
    const auth = found.urls['auth'];
    if (!auth) throw new ClusterError('Where is auth? Give its URL, too: --url auth=http://…');
    if (service !== undefined && !found.operable.includes(service)) throw unknownService(service, found.operable);
    const token = signIn(auth, account ?? (accountsFile ? operatorIn(accountsFile) : operatorOf(directory)));
    const clients = found.operable.map((name): [string, OpsClient] => [name, new OpsClient(name, found.urls[name]!, token)]);
    return new OpsPlatform(new Map(service === undefined ? clients : clients.filter(([name]) => name === service)), jaeger ?? found.jaeger);
  }

  get services(): readonly OpsClient[] {
    return [...this.clients.values()];
  }

  /** @throws {ClusterError} for a service there is none of, or that was not asked for */
  of(service: string): OpsClient {
    const client = this.clients.get(service);
    if (!client) throw unknownService(service, [...this.clients.keys()]);
    return client;
  }

  /** Where a person looks at a trace: a link when there is a Jaeger, else its id, which `npm run logs -- all --trace` takes. */
  traceLink(traceId: string | undefined): string | undefined {
    return traceId && this.jaeger ? `${this.jaeger.replace(/\/$/, '')}/trace/${traceId}` : traceId;
  }
}

async function running(directory: string | undefined) {
  const run = readRun(openHome(directory).run);
  if (!run) throw new ClusterError('Nothing runs: start the platform with npm start, or say where it is with --url SERVICE=URL');
  if (!run.gateway) throw new ClusterError('The platform is still starting: wait until npm start says it is up');
  const urls = Object.fromEntries(Object.entries(run.services).map(([name, { url }]) => [name, url]));
  const manifests = await readManifests();
  const operable = manifests.filter(({ name, messages }) => messages.length > 0 && name in urls).map(({ name }) => name);
  return { urls: urls as Readonly<Record<string, string>>, operable, jaeger: run.jaeger };
}

function operatorOf(directory: string | undefined): Credentials {
  const { credentials } = openHome(directory);
  const known = existsSync(credentials) ? readPrivate<{ operator?: Credentials }>(credentials) : {};
  if (known.operator) return known.operator;
  throw new ClusterError(`No operator in ${credentials}: npm start adds one, or set BALLAST_OPERATOR_EMAIL and BALLAST_OPERATOR_PASSWORD`);
}

/** Of the file from which auth makes its first accounts. */
function operatorIn(file: string): Credentials {
  const { accounts } = readPrivate<{ accounts: (Credentials & { roles: string[] })[] }>(file);
  const operator = accounts.find(({ roles }) => roles.includes('operator'));
  if (!operator) throw new ClusterError(`No operator among the accounts of ${file}: the next start of the cluster adds one`);
  return { email: operator.email, password: operator.password };
}

/** One session for all services; a new one when its token has run out. */
function signIn(auth: string, { email, password }: Credentials): TokenSource {
  let session: Promise<string> | undefined;
  const open = async (): Promise<string> => {
    const response = await fetch(`${auth}/auth/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
      signal: AbortSignal.timeout(30_000),
    }).catch((cause: unknown) => {
      throw new ClusterError(`auth does not answer at ${auth}: npm run status tells what runs`, { cause });
    });
    const { accessToken, code } = (await response.json().catch(() => ({}))) as { accessToken?: string; code?: string };
    if (accessToken) return accessToken;
    throw new ClusterError(
      response.status === 401
        ? `auth does not know ${email} by this password: is it of this platform?`
        : `auth answered ${response.status}${code ? ` ${code}` : ''}`,
    );
  };
  return (renew) => (session = renew || !session ? open() : session);
}

const unknownService = (name: string, known: readonly string[]): ClusterError =>
  new ClusterError(`There is no service "${name}" with messages here: one of ${known.join(', ')}`);
