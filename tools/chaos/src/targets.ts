import { ClusterError } from '@ballast/cluster';
import type { Container, Containers } from './containers.js';
import { coordinatedBy, coordinatorOf, type KafkaView, leaderOf, type Partition } from './kafka.js';
import type { Patroni } from './patroni.js';
import { readTarget } from './target-names.js';

export interface Views {
  containers: Containers;
  patroni: Patroni;
  kafka: KafkaView;
}

/** Finds who a target is now. Within one trial a name that was found stays the same one's: the rollback means whom the method met. */
export class Targets {
  /** The groups of sagas whose coordinator was met, when it was looked for as a leader or as a coordinator. */
  coordinates: string[] = [];
  private readonly found = new Map<string, string[]>();

  constructor(
    private readonly views: Views,
    /** From 0: `one of` goes on by one with each trial. */
    private readonly trial: number,
  ) {}

  /** Every container that was met so far. */
  get all(): string[] {
    return [...new Set([...this.found.values()].flat())];
  }

  async resolve(target: string): Promise<string[]> {
    const known = this.found.get(target);
    if (known) return known;
    const names = await this.find(target);
    this.found.set(target, names);
    return names;
  }

  private async find(target: string): Promise<string[]> {
    const { form, argument } = readTarget(target) ?? { form: undefined, argument: '' };
    const { patroni, kafka, containers } = this.views;
    switch (form) {
      case 'postgres primary':
        return [(await patroni.leader()).name];
      case 'postgres replicas':
        return (await patroni.members()).filter(({ role }) => role !== 'leader').map(({ name }) => name);
      case 'etcd leader':
        return [(await this.etcd()).find(({ leads }) => leads)!.name];
      case 'etcd follower':
        return [(await this.etcd()).find(({ leads }) => !leads)!.name];
      case 'kafka leader of TOPIC':
        return [this.met(leaderOf, argument, await kafka.partitions())];
      case 'kafka coordinator of GROUP':
        return [this.met(coordinatorOf, argument, await kafka.partitions())];
      case 'another kafka broker':
        return [(await this.names(/^kafka-\d+$/)).find((name) => !this.all.includes(name))!];
      case 'one of A, B': {
        const names = argument.split(', ');
        return [names[this.trial % names.length]!];
      }
      case 'all of A, B':
        return argument.split(', ');
      case 'cores':
        return ['cores'];
      default:
        if (!(await containers.list()).has(target)) throw new ClusterError(`there is no container ${target}`);
        return [target];
    }
  }

  private met(find: typeof leaderOf, argument: string, partitions: readonly Partition[]): string {
    const broker = find(argument, partitions);
    this.coordinates = [...new Set([...this.coordinates, ...coordinatedBy(broker, partitions)])];
    return broker;
  }

  private async names(pattern: RegExp): Promise<string[]> {
    return [...(await this.views.containers.list()).keys()].filter((name) => pattern.test(name)).sort();
  }

  private async etcd(): Promise<{ name: string; leads: boolean }[]> {
    const living = [...(await this.views.containers.list()).values()].filter(({ name, running }) => name.startsWith('etcd-') && running);
    if (!living.length) throw new ClusterError('no etcd runs');
    return parseEtcd(
      await this.views.containers.exec(living[0] as Container, ['etcdctl', 'endpoint', 'status', '--cluster', '-w', 'simple']),
    );
  }
}

/** Lines such as `http://etcd-1:2379, 8211f1d0f64f3269, 3.5.16, 20 kB, true, false, 2, 12, 12, `: the fifth says who leads. */
export function parseEtcd(text: string): { name: string; leads: boolean }[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(', '))
    .map(([endpoint = '', , , , leads]) => ({ name: new URL(endpoint).hostname, leads: leads === 'true' }));
}
