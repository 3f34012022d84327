import { ClusterError, messageOf } from '@ballast/cluster';
import { type Container, type Containers, isDatabase } from './containers.js';

export interface Member {
  name: string;
  role: 'leader' | 'sync_standby' | 'quorum_standby' | 'replica' | 'standby_leader';
  state: string;
  timeline?: number;
}

/** As the superuser, without a password: by the socket inside a node's container. */
const PSQL = ['psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', '/tmp', '-U', 'postgres'];

/** Patroni, by its REST API, which only its own containers reach. */
export class Patroni {
  constructor(private readonly containers: Containers) {}

  /** What any node that answers says of all of them. */
  async members(): Promise<Member[]> {
    return (JSON.parse(await this.ask('GET', '/cluster')) as { members: Member[] }).members;
  }

  async leader(): Promise<Member> {
    const leader = (await this.members()).find(({ role, state }) => role === 'leader' && state === 'running');
    if (!leader) throw new ClusterError('Postgres has no primary');
    return leader;
  }

  /** Some of its settings; one that is not there is null, which as a new value takes it out again. */
  async settings(keys: readonly string[]): Promise<Record<string, unknown>> {
    const all = JSON.parse(await this.ask('GET', '/config')) as Record<string, unknown>;
    return Object.fromEntries(keys.map((key) => [key, all[key] ?? null]));
  }

  async set(settings: Record<string, unknown>): Promise<void> {
    await this.ask('PATCH', '/config', settings);
  }

  /** Of the primary. */
  async query(database: string, sql: string): Promise<string> {
    const { name } = await this.leader();
    return this.containers.exec(await this.node(name), [...PSQL, '-d', database, '-c', sql]);
  }

  /**
   * Of one node, whatever it is and whether anybody else reaches it. Undefined: no answer within so many seconds. Killed, not cancelled: a
   * commit that waits for its replica is acknowledged when it is cancelled.
   */
  async queryWithin(seconds: number, name: string, database: string, sql: string): Promise<string | undefined> {
    const script = 'timeout -s KILL "$@"; code=$?; [ $code = 137 ] || exit $code';
    const command = ['bash', '-c', script, 'bash', `${seconds}`, ...PSQL, '-d', database, '-c', sql];
    return (await this.containers.exec(await this.node(name), command)).trim() || undefined;
  }

  private async node(name: string): Promise<Container> {
    const node = (await this.containers.list()).get(name);
    if (!node || !isDatabase(name)) throw new ClusterError(`${name} is no server of Postgres`);
    return node;
  }

  private async ask(method: string, path: string, body?: object): Promise<string> {
    let why = 'none runs';
    for (const node of [...(await this.containers.list()).values()].filter(isLivingNode)) {
      try {
        return await this.request(node, method, path, body);
      } catch (error) {
        why = messageOf(error);
      }
    }
    throw new ClusterError(`no Patroni answers ${method} ${path}: ${why}`);
  }

  /** Nothing but bash is sure to be in the image. */
  private async request(node: Container, method: string, path: string, body?: object): Promise<string> {
    const text = body ? JSON.stringify(body) : '';
    const script = `exec 3<>/dev/tcp/127.0.0.1/8008
      printf '%s %s HTTP/1.0\\r\\nAuthorization: Basic %s\\r\\nContent-Length: %d\\r\\n\\r\\n%s' "$1" "$2" \\
        "$(printf 'patroni:%s' "$(cat /run/secrets/PATRONI_PASSWORD)" | base64 -w0)" "\${#3}" "$3" >&3
      timeout 4 cat <&3`;
    const answer = await this.containers.exec(node, ['bash', '-c', script, 'bash', method, path, text], 6_000);
    const status = Number(/^HTTP\/1\.\d (\d+)/.exec(answer)?.[1]);
    if (status !== 200) throw new ClusterError(`${node.name} answered ${status || 'nothing'}`);
    return answer.slice(answer.indexOf('\r\n\r\n') + 4);
  }
}

const isLivingNode = ({ name, running, paused }: Container): boolean => isDatabase(name) && running && !paused;
