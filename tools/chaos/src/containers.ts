import { ClusterError } from '@ballast/cluster';
import type { Docker } from './docker.js';

/** A container of the cluster that is to run all the time. */
export interface Container {
  /** Its compose service: `postgres-1`. */
  name: string;
  id: string;
  image: string;
  running: boolean;
  paused: boolean;
  /** Undefined: it has no healthcheck. */
  health?: string;
  startedAt: string;
  /** Network → the names it answers to there. */
  networks: Record<string, string[]>;
  /** 127.0.0.1's ports by those of the container. */
  ports: Record<string, string>;
  /** Of compose, which it was started from. */
  files: string[];
}

/** `postgres-1` */
export const isDatabase = (name: string): boolean => /^postgres-\d+$/.test(name);

interface Inspected {
  Id: string;
  State: { Running: boolean; Paused: boolean; StartedAt: string; Health?: { Status: string } };
  Config: { Image: string; Labels: Record<string, string> };
  HostConfig: { RestartPolicy: { Name: string } };
  NetworkSettings: {
    Networks: Record<string, { Aliases: string[] | null }>;
    Ports: Record<string, { HostPort: string }[] | null>;
  };
}

/** The containers of one compose project, by name. Jobs that run once and end are not among them. */
export class Containers {
  constructor(
    private readonly docker: Docker,
    readonly project: string,
  ) {}

  async list(): Promise<Map<string, Container>> {
    const ids = (await this.docker(['ps', '-aq', '--no-trunc', '--filter', `label=com.docker.compose.project=${this.project}`]))
      .split('\n')
      .filter(Boolean);
    if (!ids.length) throw new ClusterError(`no container of the project ${this.project}: docker compose --profile ha up --build`);
    const inspected = JSON.parse(await this.docker(['inspect', ...ids])) as Inspected[];
    const lasting = inspected.filter(({ HostConfig }) => ['unless-stopped', 'always'].includes(HostConfig.RestartPolicy.Name));
    return new Map(lasting.map((one) => [nameOf(one), containerOf(one)]));
  }

  /** In the container, as its own user. */
  exec(container: Container, command: readonly string[], timeout = 15_000): Promise<string> {
    return this.docker(['exec', container.id, ...command], { timeout });
  }
}

const nameOf = ({ Config }: Inspected): string => Config.Labels['com.docker.compose.service'] ?? '';

function containerOf(one: Inspected): Container {
  const { Id: id, State, Config, NetworkSettings } = one;
  return {
    ...{ name: nameOf(one), id, image: Config.Image, running: State.Running, paused: State.Paused, startedAt: State.StartedAt },
    ...(State.Health && { health: State.Health.Status }),
    networks: Object.fromEntries(
      // The short id is added by Docker itself, to each anew.
      Object.entries(NetworkSettings.Networks).map(([network, { Aliases }]) => [
        network,
        (Aliases ?? []).filter((name) => !(name.length === 12 && id.startsWith(name))),
      ]),
    ),
    ports: Object.fromEntries(
      Object.entries(NetworkSettings.Ports).flatMap(([port, hosts]) => (hosts?.[0] ? [[port, hosts[0].HostPort]] : [])),
    ),
    files: (Config.Labels['com.docker.compose.project.config_files'] ?? '').split(',').filter(Boolean),
  };
}
