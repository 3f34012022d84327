import { contractProblems } from '@ballast/service/contracts';
import { join } from 'node:path';
import manifest from '../service.js';
import { PspController } from './psp.controller.js';
import { SettlementController } from './settlement.controller.js';

const consumers = join(__dirname, '../../../libs/contracts/consumers');

it('breaks no consumer, and states what it reads itself: docs/guides/contracts.md', () => {
  expect(contractProblems(manifest, consumers, [PspController, SettlementController])).toEqual([]);
});
