import type { Operation, Sources } from '@ballast/e2e';
import type { Containers } from './containers.js';
import type { Patroni } from './patroni.js';

/** Every page of the processor's own books, asked for inside its container, where its key is. */
const SETTLEMENT = `
const key = require('node:fs').readFileSync('/run/secrets/PSP_API_KEY', 'utf8').trim();
(async () => {
  const all = [];
  for (let cursor = '0'; cursor;) {
    const response = await fetch('http://127.0.0.1:3000/v1/settlement?limit=500&cursor=' + cursor, { headers: { 'x-api-key': key } });
    if (!response.ok) throw new Error('GET /v1/settlement answered ' + response.status);
    const { items, nextCursor } = await response.json();
    all.push(...items);
    cursor = nextCursor;
  }
  console.log(JSON.stringify(all));
})();`;

const SERVICES = ['cart', 'inventory', 'order', 'payment'];

/** The books that the shop's public address does not show, read inside the cluster. Dead letters that are older are somebody else's. */
export const booksOf = (containers: Containers, patroni: Patroni, since = new Date()): Sources => ({
  async settlement() {
    const psp = (await containers.list()).get('psp-1')!;
    return JSON.parse(await containers.exec(psp, ['node', '-e', SETTLEMENT], 60_000)) as Operation[];
  },
  async deadLetters() {
    const counted = [];
    for (const service of SERVICES) {
      const count = await patroni.query(service, `SELECT count(*) FROM dead_letter WHERE created_at >= '${since.toISOString()}'`);
      counted.push({ service, open: Number(count), ever: Number(count) });
    }
    return counted;
  },
});

/** The merchant whom the cluster was made with. */
export async function merchantOf(containers: Containers): Promise<{ email: string; password: string }> {
  const auth = (await containers.list()).get('auth-1')!;
  const file = JSON.parse(await containers.exec(auth, ['cat', '/run/secrets/ACCOUNTS'])) as {
    accounts: { email: string; password: string; roles: string[] }[];
  };
  return file.accounts.find(({ roles }) => roles.includes('merchant'))!;
}
