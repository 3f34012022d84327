import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineService, type ServiceManifest } from '@ballast/service/manifest';
import { workspaceRoot } from '@ballast/testing';
import { parse } from 'yaml';
import { generatedFiles } from './files.js';

interface ComposeFile {
  services: Record<
    string,
    { environment?: Record<string, string>; volumes: string[]; depends_on?: object; networks?: object; extends: { service: string } }
  >;
  volumes: object;
}

const root = workspaceRoot();

async function manifestsOfThisShop(): Promise<ServiceManifest[]> {
  const files = readdirSync(join(root, 'apps')).map((folder) => join(root, 'apps', folder, 'service.ts'));
  const modules = await Promise.all(files.filter(existsSync).map((file) => import(file) as Promise<{ default: ServiceManifest }>));
  return modules.map((module) => module.default);
}

const shop = [
  defineService({ name: 'gift-card', port: 3011, routes: ['/gifts', '/vouchers'], database: true, needs: ['bank'] }),
  defineService({ name: 'bank', port: 3012, database: false }),
];
const fileOf = (path: string) => generatedFiles(shop).get(path)!;
const compose = parse(fileOf('infra/compose/services.yml')) as ComposeFile;

describe('the committed files', () => {
  it('are what the manifests say: npm run sync', async () => {
    for (const [path, content] of generatedFiles(await manifestsOfThisShop())) {
      expect([path, readFileSync(join(root, path), 'utf8')]).toEqual([path, content]);
    }
  });
});

describe('a service that is added by its manifest alone', () => {
  it('runs once in lite and twice in ha, behind one name', () => {
    const own = Object.keys(compose.services).filter((name) => name.startsWith('gift-card'));
    expect(own).toEqual(['gift-card', 'gift-card-1', 'gift-card-2']);
    expect(own.map((name) => compose.services[name]!.extends.service)).toEqual(['lite', 'ha', 'ha']);
    expect(compose.services['gift-card-2']!.networks).toMatchObject({ inner: { aliases: ['gift-card'] } });
  });

  it('is behind the gateway by its routes, and not without', () => {
    expect(fileOf('infra/haproxy/routes.map')).toContain('gifts gift-card\nvouchers gift-card\n');
    expect(fileOf('infra/haproxy/services.ha.cfg')).toContain('server gift-card-2 gift-card-2:3000');
    expect(fileOf('infra/haproxy/services.ha.cfg')).not.toContain('bank');
    expect(Object.keys(compose.services['bank-1']!.networks!)).toEqual(['inner']);
  });

  it('gets a database when it has one', () => {
    expect(fileOf('infra/postgres/databases.sql')).toContain(`\\set service 'gift-card'`);
    expect(fileOf('infra/postgres/databases.sql')).not.toContain('bank');
    expect(compose.services['gift-card']!.depends_on).toHaveProperty('databases');
    expect(compose.services['bank']!.depends_on).not.toHaveProperty('databases');
  });

  it('sees its own secrets, those of whom it needs by one shared secret, and nobody else’s', () => {
    const { files } = JSON.parse(fileOf('infra/init/secrets.json')) as { files: Record<string, string> };
    expect(files['gift-card/BANK_API_KEY']).toBe(files['bank/BANK_API_KEY']);
    expect(Object.keys(files).filter((file) => file.startsWith('bank/'))).toEqual(['bank/BANK_API_KEY']);
    expect(compose.services['gift-card-1']!.volumes).toEqual(['gift-card-secrets:/run/secrets:ro']);
    expect(compose.services['gift-card']!.environment).toMatchObject({
      BANK_URL: 'http://bank:3000',
      BANK_API_KEY_FILE: '/run/secrets/BANK_API_KEY',
    });
  });

  it('is asked for its metrics, every instance under its name', () => {
    expect(parse(fileOf('infra/prometheus/targets/ha/services.yml'))).toContainEqual({
      labels: { job: 'gift-card' },
      targets: ['gift-card-1:3000', 'gift-card-2:3000'],
    });
    expect(parse(fileOf('infra/prometheus/targets/lite/services.yml'))).toContainEqual({ labels: { job: 'bank' }, targets: ['bank:3000'] });
  });

  it('waits for the containers of whom it needs', () => {
    expect(compose.services['gift-card']!.depends_on).toMatchObject({ bank: { condition: 'service_healthy' } });
    expect(compose.services['gift-card-2']!.depends_on).toMatchObject({ 'bank-1': {}, 'bank-2': {} });
  });
});

describe('what is generated', () => {
  it('holds no secret, only where to find it', () => {
    for (const service of Object.values(compose.services))
      for (const variable of Object.keys(service.environment ?? {})) expect(variable).not.toMatch(/(PASSWORD|_KEY|SECRET)$/);
  });

  it('answers with the contract’s problems', () => {
    const line = fileOf('infra/haproxy/problems.cfg')
      .split('\n')
      .find((each) => each.includes('status 413'));
    const document = JSON.parse(/lf-string '(.*)'/.exec(line!)![1]!) as object;
    expect(document).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE', instance: '%[var(txn.path),json(utf8s)]' });
  });
});
