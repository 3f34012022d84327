import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { workspaceRoot } from '@ballast/testing';
import { CheckoutLoad, registerBuyers } from './load.js';

const { GATEWAY_URL: gateway = 'http://127.0.0.1:8080', ROLLOUT_SERVICES = 'auth cart inventory order payment psp' } = process.env;
const services = ROLLOUT_SERVICES.split(' ');
/** Twelve containers, each of which ends its requests and starts anew on a machine that is busy. */
const LIMIT = 20 * 60_000;
const options = { cwd: workspaceRoot(), timeout: LIMIT };

it(
  `${services.join(', ')}: upgraded to another image while the shop sells. No request fails, and every accepted order ends CONFIRMED`,
  () =>
    withImages(services, 'LABEL ballast.rollout=another', async (images) => {
      const { stdout } = await whileSelling(() => rollout(...services));
      expect(stdout.match(/✔ \S+-[12] /g)).toHaveLength(services.length * 2);
      for (const { service, before, after } of images) {
        expect(after).not.toBe(before);
        expect([service, await imagesOf(service)]).toEqual([service, [after, after]]);
      }
    }),
  LIMIT + 300_000,
);

it(
  'cart: a version that ends as soon as it starts is taken back while the shop sells, and no accepted order is lost',
  async () => {
    const running = await imagesOf('cart');
    expect(new Set(running).size).toBe(1);
    await withImages(['cart'], 'CMD ["false"]', async ([{ after: broken }]) => {
      const failed = await whileSelling(() => rollout('cart').catch((error: Error & { code: number; stdout: string }) => error));
      expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('↺ cart-1 is what it was') as unknown });
      expect(running).not.toContain(broken);
      expect(await imagesOf('cart')).toEqual(running);
      // What is started next is the old one too.
      expect(await idOf('ballast/cart')).toBe(running[0]);
    });
  },
  LIMIT + 300_000,
);

type Built = { service: string; before: string; after: string };

/** Gives each service's image one more line, under the name that compose knows; the name is the old image's again afterwards. */
async function withImages<T>(names: readonly string[], line: string, work: (built: [Built, ...Built[]]) => Promise<T>): Promise<T> {
  const built: Built[] = [];
  try {
    for (const service of names) {
      const image = `ballast/${service}`;
      const entry = { service, before: await idOf(image), after: '' };
      built.push(entry);
      await build(image, `FROM ${image}\n${line}\n`);
      entry.after = await idOf(image);
    }
    return await work(built as [Built, ...Built[]]);
  } finally {
    for (const { service, before } of built) await docker('tag', before, `ballast/${service}`);
  }
}

/** @returns what the work gives, when no request has failed meanwhile and every accepted order was CONFIRMED */
async function whileSelling<T>(work: () => Promise<T>): Promise<T> {
  const load = new CheckoutLoad(await registerBuyers([gateway], 16), { rate: 1, sku: 'sku-008' });
  try {
    const result = await work();
    const accepted = await load.stop();
    expect(load.answers.broken).toEqual([]);
    expect(accepted.length).toBeGreaterThan(0);
    const ended = await Promise.all(accepted.map(async ({ buyer, orderId }) => (await buyer.final(orderId)).status));
    expect(new Set(ended)).toEqual(new Set(['CONFIRMED']));
    return result;
  } finally {
    await load.abandon();
  }
}

/** To what the images' names stand for now. */
const rollout = (...names: string[]) =>
  promisify(execFile)(process.execPath, ['tools/run.mjs', 'rollout', '--no-build', ...names], options);

async function docker(...args: string[]): Promise<string> {
  return (await promisify(execFile)('docker', args, options)).stdout.trim();
}

/** From a Dockerfile alone, with either builder. */
async function build(image: string, dockerfile: string): Promise<void> {
  const building = promisify(execFile)('docker', ['build', '--quiet', '--tag', image, '-'], options);
  building.child.stdin?.end(dockerfile);
  await building;
}

const idOf = (image: string) => docker('image', 'inspect', '--format', '{{.Id}}', image);

/** What the two containers of a service run. */
async function imagesOf(service: string): Promise<string[]> {
  const ids = [1, 2].map((n) => docker('compose', '--profile', 'ha', 'ps', '--quiet', `${service}-${n}`));
  return Promise.all(ids.map(async (id) => docker('inspect', '--format', '{{.Image}}', await id)));
}
