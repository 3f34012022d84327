import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ClusterError } from '@ballast/cluster';
import { eventually, workspaceRoot } from '@ballast/testing';
import type { RollingCluster } from './rolling.js';

const PROFILE = ['compose', '--profile', 'ha'];
/** Longer than a container's `stop_grace_period` of 30 s. */
const REPLACE_LIMIT = 120_000;
const SERVING_LIMIT = 180_000;
const BUILD_LIMIT = 30 * 60_000;
const ASK_METRICS = String.raw`exec 3<>/dev/tcp/127.0.0.1/8404; printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; cat <&3`;

/** The running cluster of profile `ha`, by the `docker` command. */
export class Containers implements RollingCluster {
  /** @param publicServices those that gateways send requests to */
  constructor(
    private readonly gateways: readonly string[],
    private readonly publicServices: ReadonlySet<string>,
  ) {}

  /** The names that run now, e.g. `cart-1`. */
  static async running(): Promise<string[]> {
    const names = await docker([...PROFILE, 'ps', '--services', '--status', 'running']);
    return names.split('\n').filter(Boolean).sort();
  }

  build(service: string): Promise<string> {
    return docker([...PROFILE, 'build', `${service}-1`], BUILD_LIMIT);
  }

  /** By the container: the name may be that of the new image already, when it was built beforehand. */
  async keepImage(service: string): Promise<void> {
    const container = (await docker([...PROFILE, 'ps', '--quiet', `${service}-1`])).trim();
    const image = (await docker(['inspect', '--format', '{{.Image}}', container])).trim();
    await docker(['tag', image, `ballast/${service}:previous`]);
  }

  async restoreImage(service: string): Promise<void> {
    await docker(['tag', `ballast/${service}:previous`, `ballast/${service}`]);
  }

  async replace(instance: string): Promise<void> {
    await docker([...PROFILE, 'up', '-d', '--no-deps', '--no-build', '--force-recreate', instance], REPLACE_LIMIT);
  }

  async serving(service: string, instance: string): Promise<void> {
    const used = this.publicServices.has(service) ? this.gateways : [];
    const check = async () => {
      const [state] = JSON.parse(await docker([...PROFILE, 'ps', '--format', 'json', instance]).then(asList)) as { Health: string }[];
      if (state?.Health !== 'healthy') throw new ClusterError(`${instance} is ${state?.Health || 'not there'}`);
      for (const gateway of used) {
        const metrics = await docker([...PROFILE, 'exec', '-T', gateway, 'bash', '-c', ASK_METRICS]);
        const line = `haproxy_server_status{proxy="${service}",server="${instance}",state="UP"} 1`;
        if (!metrics.includes(line)) throw new ClusterError(`${gateway} sends nothing to ${instance}`);
      }
    };
    await eventually(check, { timeout: SERVING_LIMIT, interval: 1_000 });
  }
}

/** Compose gives one JSON object a line, or, when old, one list. */
const asList = (out: string): string => (out.trim().startsWith('[') ? out : `[${out.trim().split('\n').join(',')}]`);

async function docker(args: readonly string[], timeout = 30_000): Promise<string> {
  try {
    const options = { cwd: workspaceRoot(), timeout, maxBuffer: 64 * 1024 * 1024 };
    return (await promisify(execFile)('docker', [...args], options)).stdout;
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    throw new ClusterError(stderr?.trim().split('\n').slice(-5).join('\n') || message, { cause });
  }
}
