import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Actions } from './actions.js';
import { Containers } from './containers.js';
import type { Docker } from './docker.js';
import type { Experiment, Step } from './experiment.js';
import type { Load } from './load.js';
import { Patroni } from './patroni.js';
import { recreate } from './recreate.js';
import { Rollback } from './rollback.js';
import type { Views } from './targets.js';
import { runTrial } from './trial.js';

const folder = mkdtempSync(join(tmpdir(), 'chaos-'));
const file = join(folder, 'rollback.json');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(file, { force: true }));

/** `started`: how often it was started anew. */
const inspected = (name: string, started: number) => ({
  Id: `${name}-id`,
  State: { Running: true, Paused: false, StartedAt: `then, and ${started} times more`, Health: { Status: 'healthy' } },
  Config: {
    Image: `ballast/${name}`,
    Labels: { 'com.docker.compose.service': name, 'com.docker.compose.project.config_files': '/a/docker-compose.yml,/a/override.yml' },
  },
  HostConfig: { RestartPolicy: { Name: 'unless-stopped' } },
  NetworkSettings: { Networks: { inner: { Aliases: [name, 'database'] } }, Ports: {} },
});
const NAMES = ['postgres-1', 'postgres-2', 'cart-1', 'cart-2'];
const CONFIG = { ttl: 20, pause: null };

/** The docker command, as far as these tests use it. `fails` says which calls do, `limits` whether the engine can limit a processor. */
function fakeDocker(fails: (call: string) => boolean = () => false, limits = true) {
  const calls: string[] = [];
  const inputs: string[] = [];
  const docker: Docker = (args, options) => {
    const call = args.join(' ');
    const [verb] = args;
    if (verb === 'ps') return Promise.resolve(NAMES.map((name) => `${name}-id`).join('\n'));
    if (verb === 'inspect' && args[1] === '--format')
      return Promise.resolve(args[2]!.includes('Paused') ? 'true' : args[2]!.includes('Status') ? 'running' : '{}');
    const started = (name: string) => calls.filter((each) => each.startsWith('compose') && each.endsWith(` ${name}`)).length;
    if (verb === 'inspect') return Promise.resolve(JSON.stringify(NAMES.map((name) => inspected(name, started(name)))));
    if (call.includes('/dev/tcp')) {
      const [method, path, body] = args.slice(-3);
      if (method === 'PATCH') calls.push(`patroni ${body}`);
      const members = [{ name: 'postgres-1', role: 'leader', state: 'running', timeline: 1 }, { name: 'postgres-2', role: 'sync_standby', state: 'streaming' }]; // prettier-ignore
      return Promise.resolve(`HTTP/1.0 200 OK\r\n\r\n${JSON.stringify(path === '/cluster' ? { members } : CONFIG)}`);
    }
    if (verb === 'info') return Promise.resolve(`${limits}\n`);
    calls.push(call);
    if (options?.input) inputs.push(options.input);
    return fails(call) ? Promise.reject(new Error('the engine is busy')) : Promise.resolve('');
  };
  return { docker, calls, inputs };
}

function setting(docker: Docker, signal = new AbortController().signal) {
  const containers = new Containers(docker, 'ballast');
  const patroni = new Patroni(containers);
  const rollback = new Rollback(docker, (settings) => patroni.set(settings), file, 1);
  const now = () => ({ asked: Date.now(), at: Date.now() });
  const load = { oldestPending: 0, get lastAcknowledged() { return now(); } } as unknown as Load; // prettier-ignore
  const views = { containers, patroni } as unknown as Views;
  const writer = { commitInside: (node: string) => Promise.resolve(`${node} refused`) };
  return { views, rollback, writer, load, signal, calm: 1, say: () => undefined, actions: new Actions(docker, containers, rollback) };
}

const experiment = (method: Step[], rollback: Step[] = []): Experiment => ({
  ...{ name: 'x', title: 'X', trials: 1, load: { rate: 1, buyers: 1 }, goals: { lost: 0 }, safeguards: {}, method, rollback },
  steadyState: { containers: 'healthy', postgres: 'whole', checkouts: 1_000, orders: 1_000, back: 1_000 },
});
const KILL: Step = { do: 'kill', on: 'cart-1' };
const CUT: Step = { do: 'cut-off', on: 'postgres primary' };
const PAUSE: Step = { do: 'pause', on: 'postgres replicas' };
const BROUGHT_BACK = [
  'unpause postgres-2-id',
  'network connect --alias postgres-1 --alias database inner postgres-1-id',
  'exec postgres-1-id pgbackrest start',
  'start cart-1-id',
];

it('brings back what the experiment says, in its order', async () => {
  const { docker, calls } = fakeDocker();
  const facts = await runTrial(experiment([KILL], [{ wait: 1 }, { undo: 'start', on: 'cart-1' }]), 1, [], setting(docker));
  expect(calls).toEqual(['kill cart-1-id', 'start cart-1-id']);
  expect(facts).toMatchObject({ targets: ['cart-1'], restarted: [], failovers: 0 });
  expect(existsSync(file)).toBe(false);
});

it('brings back everything when a step fails, the last first', async () => {
  const { docker, calls } = fakeDocker((call) => call === 'kill cart-2-id');
  const failing = experiment([KILL, CUT, PAUSE, { do: 'kill', on: 'cart-2' }]);
  await expect(runTrial(failing, 1, [], setting(docker))).rejects.toThrow('the engine is busy');
  // Whether the kill that failed has happened is not known: it is brought back too.
  expect(calls.slice(5)).toEqual(['start cart-2-id', ...BROUGHT_BACK]);
});

it('brings back everything at Ctrl-C', async () => {
  const { docker, calls } = fakeDocker();
  const stopping = new AbortController();
  const use = setting(docker, stopping.signal);
  const broken = runTrial(experiment([KILL, CUT, PAUSE, { wait: 60_000 }]), 1, [], use);
  const stop = setInterval(() => calls.includes('pause postgres-2-id') && stopping.abort(new Error('ended by SIGINT')), 5);
  await expect(broken).rejects.toThrow();
  clearInterval(stop);
  expect(calls.slice(4)).toEqual(BROUGHT_BACK);
});

it('disturbs several at the same time, and does not bring back what is still going', async () => {
  const { docker, calls } = fakeDocker((call) => call === 'kill cart-1-id');
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const slow: Docker = async (args, options) => {
    const said = docker(args, options);
    if (args[0] === 'kill' && args[1] === 'cart-2-id') await gate;
    if (args[0] === 'pause') setTimeout(release, 20);
    return said;
  };
  const together: Step = { together: [{ do: 'kill', on: 'cart-1' }, { do: 'kill', on: 'cart-2' }, { do: 'pause', on: 'postgres-2' }] }; // prettier-ignore
  const seen: number[] = [];
  void gate.then(() => seen.push(calls.length));
  await expect(runTrial(experiment([together]), 1, [], setting(slow))).rejects.toThrow('the engine is busy');
  // One has failed, and until the slowest is through all three are gone and none is brought back.
  expect(calls.slice(0, 3).sort()).toEqual(['kill cart-1-id', 'kill cart-2-id', 'pause postgres-2-id']);
  expect(seen).toEqual([3]);
  expect(calls.slice(3).sort()).toEqual(['start cart-1-id', 'start cart-2-id', 'unpause postgres-2-id']);
});

it('knows who is meant before anything is done', async () => {
  const { docker, calls } = fakeDocker();
  const use = setting(docker);
  const leader = jest.spyOn(use.views.patroni, 'leader');
  const asked: number[] = [];
  leader.mockImplementation(async () => {
    asked.push(calls.length);
    return { name: 'postgres-1', role: 'leader', state: 'running', timeline: 1 };
  });
  const rollback: Step[] = [{ undo: 'start', on: 'cart-1' }, { undo: 'start', on: 'postgres primary' }]; // prettier-ignore
  await runTrial(experiment([KILL, { do: 'kill', on: 'postgres primary' }], rollback), 1, [], use);
  // For the snapshot before, for the target, and for the snapshot when everything is back.
  expect(asked).toEqual([0, 0, 4]);
});

it('asks inside a server, which is no fault, and keeps what came of it', async () => {
  const { docker } = fakeDocker();
  const inside = experiment([{ do: 'pause', on: 'postgres-1' }, { commitInside: 'postgres-1' }], [{ undo: 'unpause', on: 'postgres-1' }]);
  const { notes, targets } = await runTrial(inside, 1, [], setting(docker));
  expect([notes, targets]).toEqual([['postgres-1 refused'], ['postgres-1']]);
});

it('a primary that nobody knows is no failover: how many there were is unknown', async () => {
  const { docker } = fakeDocker();
  const use = setting(docker);
  jest.spyOn(use.views.patroni, 'leader').mockRejectedValueOnce(new Error('no Patroni answers'));
  const facts = await runTrial(experiment([KILL], [{ undo: 'start', on: 'cart-1' }]), 1, [], use);
  expect(facts).not.toHaveProperty('failovers');
});

it('what runs for one project only is named after it, and may have ended by itself', async () => {
  const { docker, calls } = fakeDocker();
  const gone: Docker = (args, options) => (args[0] === 'rm' ? Promise.reject(new Error('Error: No such container: x')) : docker(args, options)); // prettier-ignore
  const containers = new Containers(gone, 'other');
  const rollback = new Rollback(gone, async () => undefined, file, 1);
  await new Actions(gone, containers, rollback).do('burn', []);
  expect(calls[0]).toContain('--name other-chaos-burner');
  await rollback.all();
  expect(existsSync(file)).toBe(false);
});

it('takes a safeguard away first and gives it back', async () => {
  const { docker, calls } = fakeDocker();
  await runTrial(experiment([KILL], [{ undo: 'start', on: 'cart-1' }]), 1, [{ patroni: { pause: true } }], setting(docker));
  expect(calls).toEqual(['patroni {"pause":true}', 'kill cart-1-id', 'start cart-1-id', 'patroni {"pause":null}']);
});

const compose = (name: string, ...override: string[]) =>
  ['compose --project-name ballast --profile ha -f /a/docker-compose.yml -f /a/override.yml', ...override, `up -d --no-deps --no-build --wait --wait-timeout 120 ${name}`].join(' '); // prettier-ignore
const SABOTAGE: Step = { sabotage: 'last-first', services: ['cart-1', 'cart-2'] };

it('takes a safeguard that is code away from one instance after the other, which is no restart of theirs, and gives it back', async () => {
  const { docker, calls, inputs } = fakeDocker();
  const facts = await runTrial(experiment([{ do: 'pause', on: 'postgres-2' }]), 1, [SABOTAGE], setting(docker));
  expect(calls).toEqual([
    ...[compose('cart-1', '-f -'), compose('cart-2', '-f -'), 'pause postgres-2-id'],
    ...['unpause postgres-2-id', compose('cart-2'), compose('cart-1')],
  ]);
  expect(JSON.parse(inputs[0]!)).toEqual({
    services: {
      'cart-1': {
        environment: { NODE_OPTIONS: '--import file:///ballast/tools/chaos/sabotage/last-first.mjs' },
        volumes: [{ type: 'bind', source: expect.stringMatching(/^\/.*\/tools\/chaos\/sabotage$/), target: '/ballast/tools/chaos/sabotage', read_only: true }], // prettier-ignore
      },
    },
  });
  expect(facts).toMatchObject({ targets: ['postgres-2', 'cart-1', 'cart-2'], restarted: [] });
});

it('a sabotaged instance that does not become healthy, or a kill -9 meanwhile, leaves it to be replaced by a plain one', async () => {
  const { docker, calls } = fakeDocker((call) => call.includes('-f - '));
  const { actions } = setting(docker);
  await expect(actions.sabotage('cart-1', 'last-first')).rejects.toThrow('the engine is busy');
  const { rollback } = setting(docker);
  await rollback.all();
  expect(calls).toEqual([compose('cart-1', '-f -'), compose('cart-1')]);
  expect(existsSync(file)).toBe(false);
});

it('what is mounted is beside the libraries that it names', async () => {
  const { docker, inputs } = fakeDocker();
  await recreate(docker, { project: 'x', name: 'order-1', files: [] }, 'deadlines-run-on');
  const { environment, volumes } = JSON.parse(inputs[0]!).services['order-1'];
  const module = new URL(environment.NODE_OPTIONS.split(' ')[1]);
  const text = readFileSync(join(volumes[0].source, 'deadlines-run-on.mjs'), 'utf8');
  expect(new URL(/from '(.+)'/.exec(text)![1]!, module).pathname).toBe('/ballast/libs/saga/dist/deadlines.js');
});

it('takes a share of the processor away and gives it back', async () => {
  const { docker, calls } = fakeDocker();
  await runTrial(experiment([{ do: 'throttle', on: 'postgres primary' }], [{ undo: 'unthrottle', on: 'postgres primary' }]), 1, [], setting(docker)); // prettier-ignore
  expect(calls).toEqual(['update --cpu-quota 1000 postgres-1-id', 'update --cpu-quota=-1 postgres-1-id']);
});

it('says when the engine cannot limit a processor, and then leaves nothing to be undone', async () => {
  const { docker, calls } = fakeDocker(undefined, false);
  const { actions, rollback } = setting(docker);
  await expect(actions.do('throttle', ['cart-1'])).rejects.toThrow('throttle: this engine cannot limit a processor');
  expect([calls, rollback.length]).toEqual([[], 0]);
});

it('without a safeguard each trial takes away what goes with its target, and gives it back before the next', async () => {
  const { docker, calls } = fakeDocker();
  const turns = experiment([{ do: 'kill', on: 'one of cart-1, postgres-1' }], [{ undo: 'start', on: 'one of cart-1, postgres-1' }]);
  for (const trial of [1, 2]) await runTrial(turns, trial, [{ do: 'kill', on: 'one of cart-2, postgres-2' }], setting(docker));
  expect(calls).toEqual(['cart', 'postgres'].flatMap((name) => [`kill ${name}-2-id`, `kill ${name}-1-id`, `start ${name}-1-id`, `start ${name}-2-id`])); // prettier-ignore
});

it('after a kill -9 of this tool the next start brings back what it had noted', async () => {
  const first = fakeDocker();
  const { actions } = setting(first.docker);
  await actions.do('kill', ['cart-1']);
  await actions.do('pause', ['postgres-2']);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveLength(2);

  const { docker, calls } = fakeDocker();
  const { rollback } = setting(docker);
  expect(rollback.length).toBe(2);
  await rollback.all();
  expect(calls).toEqual(['unpause postgres-2-id', 'start cart-1-id']);
});

it('what cannot be brought back keeps nothing else from it, is said, and is kept for the next start', async () => {
  const { docker, calls } = fakeDocker((call) => call === 'start cart-1-id');
  const { actions, rollback } = setting(docker);
  await actions.do('pause', ['postgres-2']);
  await actions.do('kill', ['cart-1']);
  await expect(rollback.all()).rejects.toThrow('start cart-1');
  expect(calls.filter((call) => call === 'start cart-1-id').length).toBeGreaterThan(1);
  expect(calls).toContain('unpause postgres-2-id');
  expect(setting(docker).rollback.length).toBe(1);
});

describe('after a kill -9 of this tool and a compose down', () => {
  /** Everything was taken away: what is asked of a container fails as Docker says it. */
  const nothing =
    (calls: string[], containers = ''): Docker =>
    async ([verb, ...args]) => {
      calls.push([verb, ...args].join(' '));
      if (verb === 'ps') return containers;
      if (verb === 'compose') return '';
      throw new Error(verb === 'inspect' ? `Error: No such object: ${args.at(-1)}` : 'Error response from daemon: No such container: x');
    };
  const leave = async (...steps: Step[]) => {
    const { actions } = setting(fakeDocker().docker);
    for (const step of steps) if ('do' in step) await actions.do(step.do, [step.on]);
  };

  it.each(['kill', 'pause', 'throttle', 'cut-off'] as const)('there is nothing to be brought back of %s', async (action) => {
    await leave({ do: action, on: 'postgres-1' });
    const calls: string[] = [];
    const { rollback } = setting(nothing(calls));
    expect(rollback.length).toBe(1);
    await rollback.all();
    expect([calls.length, existsSync(file)]).toEqual([1, false]);
  });

  it('an instance with a module in front is not started alone', async () => {
    await setting(fakeDocker().docker).actions.sabotage('cart-1', 'last-first');
    const calls: string[] = [];
    await setting(nothing(calls)).rollback.all();
    expect(calls.filter((call) => !call.startsWith('ps'))).toEqual([]);
    expect(existsSync(file)).toBe(false);
  });

  it('while settings of Patroni outlive its containers, and are brought back when it is up again', async () => {
    setting(fakeDocker().docker).rollback.plan({ undo: 'patroni', name: 'patroni', settings: { pause: null } });
    await expect(setting(nothing([])).rollback.all()).rejects.toThrow('patroni');
    const { docker, calls } = fakeDocker();
    await setting(docker).rollback.all();
    expect(calls).toEqual(['patroni {"pause":null}']);
  });
});
