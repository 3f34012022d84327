import { buy, messageOf, timelineOf } from '@ballast/cluster';
import { readAccounts } from './accounts.js';

const [gateway = '', accountsFile = '', token = 'tok_ok'] = process.argv.slice(2);

/** Buys one basket as the buyer and shows the order's steps: `demo.js GATEWAY ACCOUNTS [TOKEN]`. */
async function main(): Promise<void> {
  console.log(timelineOf(await buy(gateway, readAccounts(accountsFile).buyer, token)));
}

main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exit(1);
});
