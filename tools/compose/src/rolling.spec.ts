import { roll, type RollingCluster } from './rolling.js';

const services = [
  { name: 'cart', instances: ['cart-1', 'cart-2'] },
  { name: 'order', instances: ['order-1', 'order-2'] },
];

/** Notes what is done; a container whose image is in `broken` never serves. */
function noted(broken: string[] = [], doesNotBuild?: string) {
  const done: string[] = [];
  const images = new Map<string, string>();
  const cluster: RollingCluster = {
    keepImage: async (service) => void done.push(`keep ${service}`),
    restoreImage: async (service) => void (done.push(`restore ${service}`), images.set(service, 'old')),
    replace: async (instance) => void done.push(`replace ${instance}`),
    serving: async (service, instance) => {
      if (broken.includes(instance) && images.get(service) === 'new') throw new Error('it is not healthy after 120 s');
      done.push(`serves ${instance}`);
    },
  };
  const upgrade = async (service: string) => {
    if (doesNotBuild) throw new Error(doesNotBuild);
    done.push(`build ${service}`);
    images.set(service, 'new');
  };
  return { done, run: () => roll(services, cluster, upgrade, () => undefined) };
}

it('touches a container only when the one before it serves', async () => {
  const { done, run } = noted();
  await run();
  expect(done).toEqual([
    ...['keep cart', 'build cart', 'replace cart-1', 'serves cart-1', 'replace cart-2', 'serves cart-2'],
    ...['keep order', 'build order', 'replace order-1', 'serves order-1', 'replace order-2', 'serves order-2'],
  ]);
});

it('takes a version back that does not serve, the last container first, and begins no other service', async () => {
  const { done, run } = noted(['cart-2']);
  await expect(run()).rejects.toThrow('cart was not upgraded: it is not healthy after 120 s');
  expect(done.slice(done.indexOf('replace cart-2'))).toEqual([
    ...['replace cart-2', 'restore cart', 'replace cart-2', 'serves cart-2', 'replace cart-1', 'serves cart-1'],
  ]);
});

it('touches no container when the new version cannot be made', async () => {
  const { done, run } = noted([], 'it does not compile');
  await expect(run()).rejects.toThrow('it does not compile');
  expect(done).toEqual(['keep cart', 'restore cart']);
});
