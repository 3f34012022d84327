import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const here = __dirname;
const hook = pathToFileURL(join(here, '../../testing/src/jest/typescript-hook.mjs')).href;
const load = `data:text/javascript,import{register}from'node:module';register('${hook}')`;

interface Running {
  child: ChildProcess;
  output(): string;
  told(event: string): Promise<Record<string, unknown>>;
  exited: Promise<number | null>;
}

jest.setTimeout(30_000);
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(env: Record<string, string>): Running {
  const child = fork(join(here, '../test/process.main.ts'), {
    execArgv: ['--import', load],
    env: { ...process.env, PORT: '0', ...env },
    silent: true,
  });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (text += String(chunk)));
  const events: Record<string, unknown>[] = [];
  child.on('message', (message) => events.push(message as Record<string, unknown>));
  // Not 'close': that never comes once the channel was disconnected from this side.
  const exited = Promise.all([once(child, 'exit'), once(child.stdout!, 'close'), once(child.stderr!, 'close')]).then(
    ([[code]]) => code as number | null,
  );
  return {
    child,
    exited,
    output: () => text,
    told: async (event) => {
      for (;;) {
        const found = events.find((e) => e['event'] === event);
        if (found) return found;
        await Promise.race([once(child, 'message'), exited.then((code) => Promise.reject(new Error(`exit ${code}: ${text}`)))]);
      }
    },
  };
}

const good = { SAMPLE_SECRET: 'long enough' };

it('prints every mistake of its configuration in one block and exits 1', async () => {
  const { exited, output } = start({ SAMPLE_SECRET: 'short', LOG_LEVEL: 'shouting' });
  expect(await exited).toBe(1);
  expect(output()).toBe(
    [
      'sample cannot start: 2 mistake(s) in its environment',
      '  LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent',
      '  SAMPLE_SECRET: must have 8 characters',
      '',
    ].join('\n'),
  );
});

it('on SIGTERM answers what is at work, then exits 0', async () => {
  const { child, told, exited } = start(good);
  const { url } = await told('listening');
  const slow = fetch(`${url as string}/things/slow`);
  await told('slow request reached');
  child.kill('SIGTERM');
  child.send('open the gate');
  expect(await (await slow).json()).toEqual({ slept: true });
  expect(await exited).toBe(0);
});

it('stops when its parent is gone', async () => {
  const { child, told, exited } = start(good);
  await told('listening');
  child.disconnect();
  expect(await exited).toBe(0);
});

it('exits 1 after an error nobody caught, and says so in its log', async () => {
  const { child, told, exited, output } = start(good);
  await told('listening');
  child.send('break');
  expect(await exited).toBe(1);
  expect(output()).toMatch(/"level":"fatal".*unhandled rejection/);
});

it('says which port is taken', async () => {
  const first = start(good);
  const { url } = await first.told('listening');
  const second = start({ ...good, PORT: new URL(url as string).port });
  expect(await second.exited).toBe(1);
  expect(second.output()).toMatch(/port \d+ is taken/);
});

it('names the start-up work that failed, and why', async () => {
  const { exited, output } = start({ ...good, SAMPLE_STARTUP: 'fails' });
  expect(await exited).toBe(1);
  expect(output()).toMatch(/"level":"fatal".*the secret opens nothing.*"msg":"start-up work failed: opening the safe"/);
  expect(output()).not.toContain('database');
});
