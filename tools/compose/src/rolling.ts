import { ClusterError, messageOf } from '@ballast/cluster';

/** A service and its containers, e.g. `cart` with `cart-1` and `cart-2`. */
export interface Rolled {
  name: string;
  instances: readonly string[];
}

/** What a rolling upgrade does to a cluster. */
export interface RollingCluster {
  /** Gives the image that runs now another name, so that there is a way back. */
  keepImage(service: string): Promise<void>;
  /** Gives the kept image its name again. */
  restoreImage(service: string): Promise<void>;
  /** Puts a container of the service's present image in the place of one that runs; that one ends as on any SIGTERM. */
  replace(instance: string): Promise<void>;
  /** Resolves when it is healthy and every gateway sends requests to it; rejects when that takes too long. */
  serving(service: string, instance: string): Promise<void>;
}

/**
 * Upgrades services one container at a time: the next one is touched only when the last one serves, so that somebody always does.
 * A service whose new version does not come up gets its old image back, in every container that was touched, and no other service is begun.
 *
 * @param upgrade makes the new image; its old one is kept before
 * @throws {ClusterError} when a new version does not serve, or cannot be made
 */
export async function roll(
  services: readonly Rolled[],
  cluster: RollingCluster,
  upgrade: (service: string) => Promise<void>,
  say: (line: string) => void,
): Promise<void> {
  for (const { name, instances } of services) {
    await cluster.keepImage(name);
    const touched: string[] = [];
    try {
      await upgrade(name);
      for (const instance of instances) {
        const begun = performance.now();
        touched.unshift(instance);
        await cluster.replace(instance);
        await cluster.serving(name, instance);
        say(`✔ ${instance} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
      }
    } catch (cause) {
      say(`✖ ${touched[0] ?? name}: ${messageOf(cause)}`);
      await cluster.restoreImage(name);
      for (const instance of touched) {
        await cluster.replace(instance);
        await cluster.serving(name, instance);
        say(`↺ ${instance} is what it was`);
      }
      throw new ClusterError(`${name} was not upgraded: ${messageOf(cause)}`, { cause });
    }
  }
}
