import { serviceEnvironment } from '@ballast/cluster';
import { defineService } from '@ballast/service/manifest';
import { environmentOf } from './environment.js';

const auth = defineService({ name: 'auth', port: 3001, routes: ['/auth'], database: true });
const bank = defineService({ name: 'bank', port: 3002, database: false });
const shop = defineService({ name: 'shop', port: 3003, database: true, needs: ['bank'] });

describe('environmentOf', () => {
  it.each([auth, bank, shop])('tells $name what npm start tells it', (manifest) => {
    const shared = ['SERVICE_HOST', 'PORT', 'INSTANCE_ID', 'AUTH_JWKS_URL', 'DATABASE_HOSTS', 'KAFKA_BROKERS']; // service.yml, the image, the instance
    const world = {
      manifests: [auth, bank, shop],
      portOf: ({ port }: { port: number }) => port,
      secrets: { get: (name: string) => name },
      databaseHosts: [{ host: 'database', port: 5432 }],
      brokers: ['kafka:9092'],
      bootstrapFile: '/accounts',
    };
    const before = new Set(Object.keys(process.env));
    const local = Object.keys(serviceEnvironment(manifest, world as never)).filter((name) => !before.has(name) && !shared.includes(name));
    const here = Object.keys(environmentOf(manifest)).map((name) => (name === 'AUTH_BOOTSTRAP_FILE' ? name : name.replace(/_FILE$/, '')));
    expect(here.sort()).toEqual(local.sort());
  });
});
