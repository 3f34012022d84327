import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresBinaries } from './postgres-binaries.js';

describe('the embedded programs', () => {
  const somebody = { uid: 65_533, gid: 65_533 };
  let top: string;
  let native: string;
  let directory: string;

  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'ballast-binaries-'));
    chmodSync(top, 0o755);
    [native, directory] = [join(top, 'modules', 'native'), join(top, 'data')];
    for (const folder of ['bin', 'lib']) mkdirSync(join(native, folder), { recursive: true });
    mkdirSync(directory);
    writeFileSync(join(native, 'bin', 'postgres'), 'program');
    writeFileSync(join(native, 'lib', 'libpq.so.5.17'), 'library');
    writeFileSync(
      join(native, 'pg-symlinks.json'),
      JSON.stringify([{ source: 'native/lib/libpq.so.5.17', target: 'native/lib/libpq.so.5' }]),
    );
  });
  afterEach(() => rmSync(top, { recursive: true }));

  it('get the links that an install script would have made', () => {
    const { postgres } = postgresBinaries(undefined, directory, native);
    expect(postgres).toBe(join(native, 'bin', 'postgres'));
    expect(realpathSync(join(native, 'lib', 'libpq.so.5'))).toBe(realpathSync(join(native, 'lib', 'libpq.so.5.17')));
    expect(postgresBinaries(undefined, directory, native).postgres).toBe(postgres);
  });

  it('are used where they are when whoever runs them can get there', () => {
    expect(postgresBinaries(somebody, directory, native).postgres).toBe(join(native, 'bin', 'postgres'));
  });

  it('are copied out of a home that whoever runs them cannot enter', () => {
    chmodSync(join(top, 'modules'), 0o700);
    const { postgres } = postgresBinaries(somebody, directory, native);
    expect(postgres).toBe(join(directory, 'binaries', 'bin', 'postgres'));
    expect(readFileSync(join(directory, 'binaries', 'lib', 'libpq.so.5'), 'utf8')).toBe('library');
  });
});
