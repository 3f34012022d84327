import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DatabaseConfig } from '@ballast/database';
import { createLogger } from '@ballast/tracing';
import type { Type } from '@nestjs/common';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { BaseConfig } from './config.js';
import type { ServiceManifest } from './manifest.js';
import type { ServiceParts } from './service.module.js';
import { type RunningService, startService } from './start-service.js';

export { Neighbours } from './neighbours.js';

const ISSUER = 'test-issuer';
const AUDIENCE = 'test-audience';

/** Stands in for auth in a service's own tests: a key set over HTTP, and tokens signed with it. */
export class TestAuth {
  private constructor(
    private readonly server: Server,
    private readonly key: CryptoKey,
    readonly kid: string,
  ) {}

  static async start(): Promise<TestAuth> {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const kid = randomUUID();
    const body = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'EdDSA' }] });
    const server = createServer((_, response) => response.setHeader('content-type', 'application/json').end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TestAuth(server, privateKey, kid);
  }

  get config(): BaseConfig['auth'] {
    const { port } = this.server.address() as AddressInfo;
    return { issuer: ISSUER, audience: AUDIENCE, jwksUrl: `http://127.0.0.1:${port}/` };
  }

  /** An access token as auth would give it. */
  async token(accountId: string = randomUUID(), roles: readonly string[] = [], expiresIn = '10m'): Promise<string> {
    return new SignJWT({ roles })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: this.kid })
      .setSubject(accountId)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(expiresIn)
      .sign(this.key);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export interface TestRequest {
  method?: string;
  body?: unknown;
  token?: string;
  headers?: Record<string, string>;
}

export interface TestResponse {
  status: number;
  headers: Headers;
  // What a body holds is the test's to say.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export interface TestService extends RunningService {
  /** A token for this account; a new account unless told. */
  token(accountId?: string, roles?: readonly string[], expiresIn?: string): Promise<string>;
  request(path: string, request?: TestRequest): Promise<TestResponse>;
}

export interface TestServiceOptions extends ServiceParts {
  database?: DatabaseConfig;
  brokers?: readonly string[];
  /** The service's own settings, and what differs from the defaults of a test. */
  config?: Partial<BaseConfig> & Record<string, unknown>;
}

/** A whole service on a free port, with an auth of its own to make tokens with; ready when it resolves. */
export async function testService(module: Type, manifest: ServiceManifest, options: TestServiceOptions): Promise<TestService> {
  const { database, brokers, config, ...parts } = options;
  createLogger({ service: manifest.name, level: config?.logLevel ?? 'silent' });
  const auth = await TestAuth.start();
  const service = await startService(
    module,
    {
      manifest,
      host: '127.0.0.1',
      port: 0,
      instanceId: `${manifest.name}-test`,
      logLevel: 'silent',
      http: { trustedProxies: ['loopback'], rateLimit: 0, shutdownGrace: 0 },
      auth: auth.config,
      ...(database && { database }),
      ...(brokers && { kafka: { brokers } }),
      ...config,
    },
    parts,
  ).catch(async (error: unknown) => {
    await auth.stop();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await service.close();
    await auth.stop();
  };
  try {
    await service.ready;
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...service,
    token: (accountId, roles, expiresIn) => auth.token(accountId, roles, expiresIn),
    request: (path, request) => send(service.url + path, request ?? {}),
    close: stop,
  };
}

async function send(url: string, { method = 'GET', body, token, headers }: TestRequest): Promise<TestResponse> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text && /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text,
  };
}
