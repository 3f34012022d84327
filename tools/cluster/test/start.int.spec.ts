import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropKafka, dropPostgres, eventually, isRunning, killProcess, portIsFree, workspaceRoot } from '@ballast/testing';
import type { RunFile } from '../src/run-file.js';

/** Beside a platform that a developer may have running, and beside the end-to-end tests. */
const portOffset = 700;

describe('npm start', () => {
  let home: string;
  beforeAll(() => (home = mkdtempSync(join(tmpdir(), 'ballast-start-'))));
  const running = new Set<Run>();
  afterEach(async () => {
    for (const run of running) await run.stop();
    running.clear();
  });
  afterAll(() => {
    dropPostgres(join(home, 'data', 'postgres'));
    dropKafka(join(home, 'data', 'kafka'));
    rmSync(home, { recursive: true, force: true });
  });

  it('refuses an option it does not know: one line, exit 1', async () => {
    const run = start('--frsh');
    expect(await run.exited).toBe(1);
    expect(run.output).toBe("ballast: Unknown option '--frsh'; see --help\n");
  });

  it('names a busy port and who has it', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(3002 + portOffset, '127.0.0.1', resolve));
    try {
      const run = start();
      expect(await run.exited).toBe(1);
      expect(run.output).toMatch(new RegExp(`^ballast: Busy port: ${3002 + portOffset} \\(cart\\).*\n$`));
      if (process.platform === 'linux') expect(run.output).toContain(`(pid ${process.pid})`);
    } finally {
      server.close();
    }
    expect(existsSync(join(home, 'run.json'))).toBe(false);
  });

  it('tells a broken configuration and leaves nothing behind', async () => {
    const run = start({ LOG_LEVEL: 'loud' });
    expect(await run.exited).toBe(1);
    expect(run.output).toMatch(
      /^ballast: \w+ ended while it started: \w+ cannot start: 1 mistake\(s\) in its environment\n {2}LOG_LEVEL: /m,
    );
    await nothingListens();
  }, 120_000);

  it('can be called off while it starts', async () => {
    const run = start();
    await run.prints('✔ Postgres');
    const demo = program('demo', ['--home', home]);
    expect([await demo.exited, demo.output]).toEqual([1, 'ballast: The platform is still starting: wait until npm start says it is up\n']);
    run.process.kill('SIGINT');
    expect(await run.exited).toBe(130);
    await nothingListens();
  }, 120_000);

  it('brings everything up, keeps it up, and survives its own death', async () => {
    const run = start();
    await run.prints('Ctrl-C stops everything');
    expect(run.output).toMatch(/✔ Kafka: Apache Kafka ([\d.]+ on Java|in Docker)/);
    expect(run.output).toMatch(/ {2}CONFIRMED after \d+ ms\n/);
    expect(run.output).toMatch(/Postgres +127\.0\.0\.1:\d+, replica :\d+ streaming\n/);
    expect(run.output).toMatch(/up after +[\d.]+ s\n/);
    expect(run.output).toMatch(
      process.platform === 'linux' ? /memory +\d+ MB PSS, all processes together(, without .*)?\n/ : /memory +n\/a\n/,
    );
    const { merchant } = JSON.parse(readFileSync(join(home, 'credentials.json'), 'utf8')) as { merchant: { password: string } };
    expect(run.output).toContain(merchant.password);

    const second = start();
    expect(await second.exited).toBe(1);
    expect(second.output).toMatch(/^ballast: Ballast runs here already \(pid \d+, http:\/\/127\.0\.0\.1:\d+\): stop it first\n$/);

    const declined = program('demo', ['--home', home, '--token', 'tok_declined']);
    expect(await declined.exited).toBe(0);
    expect(declined.output).toMatch(/reserve stock +undone\n[^]*REJECTED \(PAYMENT_DECLINED\) after/);

    const cart = runFile().services['cart']!.pid!;
    killProcess(cart);
    await eventually(async () => {
      expect(runFile().services['cart']?.pid).not.toBe(cart);
      expect((await fetch(`http://127.0.0.1:${8080 + portOffset}/cart`)).status).toBe(401);
    }, patiently);

    expect(run.output).toMatch(/^cart ended \(SIGKILL\), started again; .*logs\/cart\.log$/m);

    const pids = everyPid(runFile());
    expect(pids.map(isRunning)).not.toContain(false);
    killProcess(run.process.pid!);
    await eventually(() => expect(pids.filter(isRunning)).toEqual([]), patiently);

    const demo = program('demo', ['--home', home]);
    expect(await demo.exited).toBe(1);
    expect(demo.output).toBe('ballast: Nothing runs: start the platform with npm start first\n');

    const again = start();
    await again.prints('Ctrl-C stops everything');
    expect(again.output).toContain('✔ Accounts and products: there already');
    expect(again.output).not.toContain(merchant.password);
    again.process.kill('SIGTERM');
    expect(await again.exited).toBe(0);
    await nothingListens();
    expect(existsSync(join(home, 'run.json'))).toBe(false);
  }, 300_000);

  const patiently = { timeout: 45_000 };

  interface Run {
    process: ChildProcess;
    readonly output: string;
    exited: Promise<number | null>;
    prints(text: string): Promise<void>;
    stop(): Promise<void>;
  }

  function start(...args: (string | Record<string, string>)[]): Run {
    const env = args.find((arg) => typeof arg === 'object');
    const options = args.filter((arg) => typeof arg === 'string');
    return program('start', ['--home', home, '--port-offset', String(portOffset), ...options], env);
  }

  function program(name: string, args: string[], more: Record<string, string> = {}): Run {
    const { KAFKA_BROKERS: _shared, ...env } = process.env;
    const child = spawn(process.execPath, [join(workspaceRoot(), 'tools/cluster/dist', `${name}.js`), ...args], {
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    const run: Run = {
      process: child,
      get output() {
        return output;
      },
      exited,
      prints: (text) =>
        eventually(
          () => {
            if (child.exitCode === null && !output.includes(text)) throw new Error(`"${text}" was not printed:\n${output}`);
            expect(output).toContain(text);
          },
          { timeout: 120_000 },
        ),
      async stop() {
        child.kill('SIGTERM');
        await exited;
      },
    };
    running.add(run);
    return run;
  }

  function runFile(): RunFile {
    return JSON.parse(readFileSync(join(home, 'run.json'), 'utf8')) as RunFile;
  }

  function everyPid({ services, kafka, postgres }: RunFile): number[] {
    const pids = [...Object.values(services).map(({ pid }) => pid), kafka?.pid, ...(postgres?.nodes ?? []).map(({ pid }) => pid)];
    return pids.filter((pid) => pid !== undefined);
  }

  async function nothingListens(): Promise<void> {
    const ports = [8080, 3001, 3002, 3003, 3004, 3005, 3006, 5433, 5434, 9092];
    const free = await Promise.all(ports.map((port) => portIsFree(port + portOffset)));
    expect(ports.filter((_, index) => !free[index])).toEqual([]);
  }
});
