import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Exit, freePort, isRunning } from '@ballast/testing';
import { SupervisedService } from './supervisor.js';

describe('a supervised service', () => {
  let directory: string;
  let logFile: string;
  let script: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-supervisor-'));
    logFile = join(directory, 'tiny.log');
    script = join(directory, 'tiny.mjs');
  });
  let service: SupervisedService;
  const restarts: Exit[] = [];

  beforeEach(async () => {
    restarts.length = 0;
    writeFileSync(logFile, '');
    writeFileSync(
      script,
      `import { createServer } from 'node:http';
       createServer((_, response) => response.end(JSON.stringify({ status: 'ok' }))).listen(process.env.PORT, '127.0.0.1');
       process.on('SIGTERM', () => process.exit(0));
       process.on('disconnect', () => process.exit(0));`,
    );
    service = await supervised();
  });
  afterEach(() => service.stop());
  afterAll(() => rmSync(directory, { recursive: true }));

  it('is ready, and started again when it crashes', async () => {
    await service.start();
    await service.ready({ firstTime: true });
    const first = service.pid!;
    await service.kill();
    expect(isRunning(first)).toBe(false);
    await service.ready();
    expect(service.pid).not.toBe(first);
    expect(service.restarts).toBe(1);
    expect(restarts).toEqual([{ code: null, signal: 'SIGKILL' }]);
  });

  it('stays stopped once it was stopped, and can be started anew', async () => {
    await service.start();
    await service.ready();
    const first = service.pid!;
    await service.stop();
    expect([service.pid, isRunning(first)]).toEqual([undefined, false]);
    await expect(service.kill()).rejects.toThrow('tiny does not run');
    await service.restart();
    expect([service.pid === undefined, service.restarts, restarts]).toEqual([false, 0, []]);
  });

  it('that is broken is told with the reason from its log', async () => {
    writeFileSync(script, `console.error('tiny cannot start: 1 mistake(s) in its environment\\n  PSP_URL: is required'); process.exit(1);`);
    await service.start();
    await expect(service.ready({ firstTime: true })).rejects.toThrow(
      /^tiny ended while it started: tiny cannot start: 1 mistake\(s\) in its environment\n {2}PSP_URL: is required \(.*tiny\.log\)$/,
    );
  });

  it('waits longer before each restart of what keeps crashing', async () => {
    writeFileSync(script, 'process.exit(1);');
    const starts: number[] = [];
    service = await supervised(() => service.pid && starts.push(performance.now()));
    await service.start();
    await eventually(() => expect(starts.length).toBeGreaterThanOrEqual(4));
    const gaps = starts.slice(1).map((at, index) => at - starts[index]!);
    expect(gaps[1]).toBeGreaterThan(2 * 250);
    expect(gaps[2]).toBeGreaterThan(4 * 250);
  });

  it('says what it works without when it does not get ready', async () => {
    writeFileSync(
      script,
      `import { createServer } from 'node:http';
       createServer((_, response) => response.end(JSON.stringify({ status: 'degraded', away: ['broker'] }))).listen(process.env.PORT, '127.0.0.1');`,
    );
    await service.start();
    await expect(service.ready({ timeout: 1_500 })).rejects.toThrow(/^tiny is not ready after 1\.5 s: it is degraded, without broker/);
    await service.kill();
  });

  async function supervised(onChange?: () => void): Promise<SupervisedService> {
    const port = await freePort();
    return new SupervisedService({
      name: 'tiny',
      url: `http://127.0.0.1:${port}`,
      args: [script],
      env: { PORT: String(port), PATH: process.env['PATH'] ?? '' },
      logFile,
      onRestart: (_, exit) => restarts.push(exit),
      ...(onChange && { onChange }),
    });
  }
});
