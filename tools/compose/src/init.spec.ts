import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';

const script = join(workspaceRoot(), 'infra', 'init', 'init.mjs');

describe('infra/init/init.mjs', () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'ballast-init-'))));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const run = () => execFileSync(process.execPath, [script, directory], { encoding: 'utf8' });
  const read = (file: string) => readFileSync(join(directory, file), 'utf8');

  it('makes what is missing, once, says it by name only, and shares what is shared', () => {
    const output = run();
    expect(output).toContain('made payment/PSP_API_KEY');
    expect(read('payment/PSP_API_KEY')).toBe(read('psp/PSP_API_KEY'));
    expect(read('payment/PSP_API_KEY')).toMatch(/^[\w-]{43}$/);
    expect(read('cart/DATABASE_PASSWORD')).not.toBe(read('order/DATABASE_PASSWORD'));
    const { accounts } = JSON.parse(read('auth/ACCOUNTS')) as { accounts: { password: string; roles: string[] }[] };
    expect(accounts.map(({ roles }) => roles)).toEqual([['merchant'], [], ['operator']]);
    for (const secret of [read('psp/PSP_API_KEY'), accounts[0]!.password]) expect(output).not.toContain(secret);
    expect(statSync(join(directory, 'psp/PSP_API_KEY')).mode & 0o777).toBe(0o444);

    const kept = read('auth/AUTH_KEY_SECRET');
    rmSync(join(directory, 'payment/PSP_API_KEY'));
    expect(run()).toBe('made payment/PSP_API_KEY\n');
    expect(read('payment/PSP_API_KEY')).toBe(read('psp/PSP_API_KEY'));
    expect(read('auth/AUTH_KEY_SECRET')).toBe(kept);
  });

  it('gives accounts of an earlier version the operator, and leaves the others as they are', () => {
    const { accounts } = JSON.parse(read('auth/ACCOUNTS')) as { accounts: unknown[] };
    rmSync(join(directory, 'auth/ACCOUNTS'));
    writeFileSync(join(directory, 'auth/ACCOUNTS'), JSON.stringify({ accounts: accounts.slice(0, 2) }));
    expect(run()).toBe('made auth/ACCOUNTS\n');
    const { accounts: now } = JSON.parse(read('auth/ACCOUNTS')) as { accounts: { email: string; roles: string[] }[] };
    expect(now.slice(0, 2)).toEqual(accounts.slice(0, 2));
    expect(now[2]).toMatchObject({ email: 'operator@ballast.example', roles: ['operator'] });
    expect(run()).toBe('');
  });
});
