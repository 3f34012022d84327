import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secrets } from './secrets.js';

describe('secrets', () => {
  let directory: string;
  let file: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-secrets-'));
    file = join(directory, 'secrets.json');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('are made once, kept, and readable for their owner alone', () => {
    const first = new Secrets(file);
    const secret = first.get('pspApiKey');
    expect(Buffer.from(secret, 'base64')).toHaveLength(32);
    expect(first.get('pspApiKey')).toBe(secret);
    expect(first.get('other')).not.toBe(secret);
    expect(new Secrets(file).get('pspApiKey')).toBe(secret);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
