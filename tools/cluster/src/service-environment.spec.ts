import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { event } from '@ballast/message';
import { defineService } from '@ballast/service/manifest';
import { z } from 'zod';
import { Secrets } from './secrets.js';
import { serviceEnvironment, type World } from './service-environment.js';

describe('what a service is told', () => {
  let directory: string;
  let world: World;
  afterAll(() => rmSync(directory, { recursive: true }));

  const happened = event('payment.happened.v1', { payload: z.object({ id: z.string() }), key: ({ id }) => id });
  const auth = defineService({ name: 'auth', port: 3001, database: true });
  const payment = defineService({ name: 'payment', port: 3005, database: true, needs: ['psp'], messages: [happened] });
  const psp = defineService({ name: 'psp', port: 3006, database: false });
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-environment-'));
    world = {
      manifests: [auth, payment, psp],
      portOf: ({ port }) => port + 100,
      secrets: new Secrets(join(directory, 'secrets.json')),
      databaseHosts: [
        { host: '127.0.0.1', port: 5533 },
        { host: '127.0.0.1', port: 5534 },
      ],
      brokers: ['127.0.0.1:9192'],
      bootstrapFile: '/home/bootstrap.json',
    };
  });

  it('is where its neighbours are, and its own roles', () => {
    expect(serviceEnvironment(payment, world)).toMatchObject({
      PORT: '3105',
      OTEL_SERVICE_NAME: 'payment',
      AUTH_JWKS_URL: 'http://127.0.0.1:3101/auth/.well-known/jwks.json',
      DATABASE_HOSTS: '127.0.0.1:5533,127.0.0.1:5534',
      DATABASE_NAME: 'payment',
      DATABASE_USER: 'payment',
      DATABASE_OWNER: 'payment_owner',
      KAFKA_BROKERS: '127.0.0.1:9192',
      PSP_URL: 'http://127.0.0.1:3106',
    });
  });

  it('is that messages stay in memory where there is no broker', () => {
    const { brokers: _none, ...alone } = world;
    expect(serviceEnvironment(payment, alone)).toMatchObject({ TRANSPORT: 'memory' });
    expect(serviceEnvironment(payment, alone)).not.toHaveProperty('KAFKA_BROKERS');
  });

  it('shares a key with the service it needs, and no secret with anyone else', () => {
    const of = (manifest: typeof auth) => serviceEnvironment(manifest, world);
    expect(of(payment)['PSP_API_KEY']).toBe(of(psp)['PSP_API_KEY']);
    expect(of(auth)['PSP_API_KEY']).toBeUndefined();
    expect(of(payment)['AUTH_KEY_SECRET']).toBeUndefined();
    expect(of(payment)['DATABASE_PASSWORD']).not.toBe(of(auth)['DATABASE_PASSWORD']);
    expect(of(payment)['DATABASE_PASSWORD']).not.toBe(of(payment)['DATABASE_OWNER_PASSWORD']);
    expect(of(psp)).not.toHaveProperty('DATABASE_PASSWORD');
    expect(of(psp)).not.toHaveProperty('KAFKA_BROKERS');
  });
});
