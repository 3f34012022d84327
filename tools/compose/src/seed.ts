import { messageOf, seedProducts } from '@ballast/cluster';
import { readAccounts } from './accounts.js';

const [gateway = '', accountsFile = ''] = process.argv.slice(2);

/** Puts the products into the shop, by its public API, as the merchant: `seed.js GATEWAY ACCOUNTS`. */
async function main(): Promise<void> {
  const { added, restocked } = await seedProducts(gateway, readAccounts(accountsFile).merchant);
  console.log(`${added} products added, ${restocked} restocked`);
  console.log('Accounts and passwords: docker compose run --rm accounts');
  console.log('Buy something:          docker compose run --rm demo');
}

main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exit(1);
});
