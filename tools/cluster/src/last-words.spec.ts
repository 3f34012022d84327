import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastWords } from './last-words.js';

describe('the last words of a service', () => {
  let directory: string;
  let log: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-words-'));
    log = join(directory, 'log');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('are its fatal entry, in one line', () => {
    const fatal = { level: 'fatal', msg: 'could not start', err: { message: 'no provider\nand more', stack: '…' } };
    writeFileSync(log, `${JSON.stringify(fatal)}\n${JSON.stringify({ level: 'error', msg: 'the same again' })}\n`);
    expect(lastWords(log)).toBe('could not start: no provider');
  });

  it('or what it said before it had a logger', () => {
    writeFileSync(log, `${JSON.stringify({ level: 'info', msg: 'earlier' })}\ncart cannot start\n  PORT: must be a port\n`);
    expect(lastWords(log)).toBe('cart cannot start\n  PORT: must be a port');
  });

  it('or nothing', () => {
    expect(lastWords(join(directory, 'none'))).toBe('');
  });
});
