import { existsSync } from 'node:fs';
import { startChild } from '@ballast/testing';
import { memoryOf } from './memory.js';

it('counts a process and its descendants', async () => {
  if (!existsSync('/proc/self/smaps_rollup')) {
    expect(memoryOf(process.pid)).toBeUndefined();
    return;
  }
  const child = await startChild('shell', 'sh', ['-c', `trap 'kill $!' TERM; sleep 60 & wait`]);
  const alone = memoryOf(child.pid)!;
  expect(alone).toBeGreaterThan(0);
  expect(memoryOf(process.pid)!).toBeGreaterThan(alone + 10_000_000);
  await child.stop();
  expect(memoryOf(child.pid)).toBe(0);
});
