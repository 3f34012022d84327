import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SupervisedService } from '@ballast/cluster';
import { freePort, workspaceRoot } from '@ballast/testing';
import { Chain, type Fault } from './crash-matrix.chain.js';
import type { Point } from './crash-matrix.points.js';

/** A process that handles a message every 50 ms, with a failpoint within, and says so as services do. */
const SCRIPT = `
  import { createServer } from 'node:http';
  import { failpoint } from '${pathToFileURL(join(workspaceRoot(), 'libs/resilience/dist/index.js')).href}';
  createServer((_, response) => response.end(JSON.stringify({ status: 'ok' }))).listen(process.env.PORT, '127.0.0.1');
  setInterval(() => {
    failpoint('inbox.applied');
    console.log(JSON.stringify({ time: new Date().toISOString(), msg: 'message', messageId: 'm' }));
  }, 50);
  process.on('SIGTERM', () => process.exit(0));`;

/** A process starts within it on a machine that is busy, too. */
const PATIENCE = 10_000;
const point = (name: Point['name'], hit: number, action: Point['action'] = 'kill') => ({ service: 'tiny', name, hits: 9, hit, action });

describe('the chain of a service', () => {
  jest.setTimeout(6 * PATIENCE);
  const directory = mkdtempSync(join(tmpdir(), 'ballast-chain-'));
  let service: SupervisedService;

  beforeAll(() => writeFileSync(join(directory, 'tiny.mjs'), SCRIPT));
  beforeEach(async () => {
    const port = await freePort();
    service = new SupervisedService({
      ...{ name: 'tiny', url: `http://127.0.0.1:${port}`, args: [join(directory, 'tiny.mjs')] },
      ...{ env: { PORT: String(port), PATH: process.env['PATH'] ?? '' }, logFile: join(directory, 'tiny.log') },
    });
    await service.start();
    await service.ready();
  });
  afterEach(() => service.stop());
  afterAll(() => rmSync(directory, { recursive: true }));

  async function faultsOf(...points: ReturnType<typeof point>[]): Promise<Fault[]> {
    const faults: Fault[] = [];
    const besides: boolean[] = [];
    await new Chain({
      ...{ service, patience: PATIENCE, pause: 500, signal: new AbortController().signal, say: () => undefined },
      done: (fault) => faults.push(fault),
      beside: (work) => (besides.push(true), work()),
    }).run(points);
    expect(besides).toHaveLength(points.filter(({ action }) => action === 'stop').length);
    return faults;
  }

  it('kills it anywhere, then at each point, and waits until the last process works', async () => {
    const faults = await faultsOf(point('inbox.applied', 1), point('inbox.applied', 4));
    expect(faults).toEqual([
      { point: 'tiny: anywhere', reached: true, at: expect.any(Number), killedAgain: faults[1]!.at }, // the next kill came before anything was done
      { point: 'tiny: inbox.applied', reached: true, at: expect.any(Number), work: { at: expect.any(Number), messageId: 'm' } },
      { point: 'tiny: inbox.applied', reached: true, at: expect.any(Number), work: { at: expect.any(Number), messageId: 'm' } },
    ]);
    for (const { at, work } of faults) if (work) expect(work.at).toBeGreaterThan(at!);
  });

  it('says so when nothing comes by a point, and goes on to the next', async () => {
    const faults = await faultsOf(point('relay.sent', 1), point('inbox.applied', 1));
    expect(faults.map(({ point: title, reached }) => [title, reached])).toEqual([
      ['tiny: anywhere', true],
      ['tiny: relay.sent', false],
      ['tiny: inbox.applied', true],
    ]);
  });

  it('pauses and wakes it, though it had not done anything yet, and kills it once more for the point behind', async () => {
    const faults = await faultsOf(point('inbox.applied', 1, 'stop'), point('inbox.applied', 2));
    expect(faults.map(({ point: title, reached, work }) => [title, reached, work !== undefined])).toEqual([
      ['tiny: anywhere', true, false],
      ['tiny: inbox.applied, paused', true, false],
      ['tiny: anywhere', true, true],
      ['tiny: inbox.applied', true, true],
    ]);
  });
});
