import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { workspaceRoot } from '@ballast/testing';
import { CheckoutLoad, registerBuyers } from './load.js';

const { GATEWAY_URL: gateway = 'http://127.0.0.1:8080' } = process.env;
/** Twelve containers, each of which ends its requests and starts anew on a machine that is busy. */
const LIMIT = 20 * 60_000;

it(
  'every service is upgraded while the shop sells: no request fails, and every accepted order ends CONFIRMED',
  async () => {
    const load = new CheckoutLoad(await registerBuyers([gateway], 16), { rate: 1, sku: 'sku-008' });
    try {
      const rollout = ['tools/run.mjs', 'rollout', '--no-build'];
      const { stdout } = await promisify(execFile)(process.execPath, rollout, { cwd: workspaceRoot(), timeout: LIMIT });
      expect(stdout.match(/✔ \S+-[12] /g)).toHaveLength(12);
      const accepted = await load.stop();
      expect(load.answers.broken).toEqual([]);
      expect(accepted.length).toBeGreaterThan(0);
      const ended = await Promise.all(accepted.map(async ({ buyer, orderId }) => (await buyer.final(orderId)).status));
      expect(new Set(ended)).toEqual(new Set(['CONFIRMED']));
    } finally {
      await load.abandon();
    }
  },
  LIMIT + 120_000,
);
