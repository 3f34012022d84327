import { readFileSync } from 'node:fs';
import { startChild } from './child.js';
import { isRunning, killProcess, pauseProcess } from './faults.js';
import { eventually } from './eventually.js';

it('pauses a process and lets it go on', async () => {
  const child = await startChild('sleeper', 'sleep', ['60']);
  const state = () => (process.platform === 'linux' ? /\) (.)/.exec(readFileSync(`/proc/${child.pid}/stat`, 'utf8'))?.[1] : undefined);

  const resume = pauseProcess(child.pid);
  if (process.platform === 'linux') await eventually(() => expect(state()).toBe('T'));
  resume();
  if (process.platform === 'linux') await eventually(() => expect(state()).not.toBe('T'));
  expect(isRunning(child.pid)).toBe(true);

  killProcess(child.pid);
  expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
  expect(isRunning(child.pid)).toBe(false);
});
