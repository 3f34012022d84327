import { ClusterError, type Purchase } from '@ballast/cluster';

type Buy = () => Promise<Pick<Purchase, 'status' | 'orderId'>>;

/**
 * One order after the other while something is done. The first one has to be confirmed before that begins: a gateway that nobody reaches is told at
 * once. What fails later is told when it is done.
 *
 * @returns how many were confirmed meanwhile
 */
export async function whileBuying<T>(buy: Buy, work: () => Promise<T>): Promise<{ result: T; confirmed: number }> {
  const { status, orderId } = await buy();
  if (status !== 'CONFIRMED') throw new ClusterError(`Before the drill began: order ${orderId} is ${status}`);
  let over = false;
  const orders = (async () => {
    let confirmed = 0;
    while (!over) if ((await buy()).status === 'CONFIRMED') confirmed++;
    return confirmed;
  })();
  orders.catch(() => undefined);
  let result: T;
  try {
    result = await work();
  } finally {
    over = true;
  }
  return { result, confirmed: await orders };
}
