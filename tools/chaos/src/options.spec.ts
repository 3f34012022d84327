import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { HELP } from './options.js';

it('docs/guides/chaos.md says what every option does', () => {
  const guide = readFileSync(join(workspaceRoot(), 'docs', 'guides', 'chaos.md'), 'utf8');
  const options = [...HELP.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option!).filter((option) => option !== '--help');
  expect(options.length).toBeGreaterThan(8);
  for (const option of options) expect(guide).toMatch(new RegExp(`^\\| .*\`${option}[\` ]`, 'm'));
});
