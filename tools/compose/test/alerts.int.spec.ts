import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { findPromtool, type Program } from './program.js';

const folder = join(workspaceRoot(), 'infra/prometheus');
const named = (kind: string) => readdirSync(join(folder, kind)).map((file) => `${kind}/${file}`);
let promtool: Program;
beforeAll(async () => {
  promtool = await findPromtool(folder);
}, 200_000);

it('the rules are what Prometheus understands', async () => {
  expect(await promtool('check', 'rules', ...named('rules'))).toContain('SUCCESS');
});

it.each(named('tests'))('%s: each alert fires when it must, and not when all is well', async (file) => {
  expect(await promtool('test', 'rules', file)).toContain('SUCCESS');
});
