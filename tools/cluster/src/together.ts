import { fileURLToPath } from 'node:url';
import type { Home } from './home.js';
import { appFile, nodeArguments } from './node-arguments.js';
import { inheritedEnvironment } from './service-environment.js';
import type { Supervised, Watch } from './services.js';
import { SupervisedService, type SupervisedOptions } from './supervisor.js';
import type { Told } from './together.main.js';

type Member = Pick<SupervisedOptions, 'name' | 'url' | 'env' | 'logFile'> & { inspector: number | undefined };

/** One process for all services, each with its own environment, port and log. It is debugged at the first one's inspector. */
export function superviseTogether(
  members: readonly Member[],
  { home, env, watch }: { home: Home; env: Record<string, string>; watch: Watch },
): Supervised {
  const [first] = members;
  if (!first) return { services: new Map(), processes: [] };
  const told: Told[] = members.map((member) => ({
    name: member.name,
    app: appFile(member.name, 'app'),
    env: member.env,
    logs: member.logFile,
  }));
  const host = new SupervisedService({
    name: 'services',
    url: first.url,
    lodgers: members,
    args: nodeArguments(fileURLToPath(new URL('together.main.js', import.meta.url)), first.inspector),
    env: { ...inheritedEnvironment(), ...env, OTEL_SERVICE_NAME: 'services', BALLAST_TOGETHER: JSON.stringify(told) },
    logFile: home.logOf('services'),
    ...watch,
  });
  return { processes: [host], services: new Map(members.map((member) => [member.name, new Lodger({ ...member, args: [] }, host)])) };
}

/** A service within a process it shares: what is done to it is done to all. */
class Lodger extends SupervisedService {
  constructor(
    options: SupervisedOptions,
    private readonly host: SupervisedService,
  ) {
    super(options);
  }

  override get pid() {
    return this.host.pid;
  }
  override get restarts() {
    return this.host.restarts;
  }
  override start(...args: Parameters<SupervisedService['start']>) {
    return this.host.start(...args);
  }
  override stop(...args: Parameters<SupervisedService['stop']>) {
    return this.host.stop(...args);
  }
  override restart() {
    return this.host.restart();
  }
  override replace(...args: Parameters<SupervisedService['replace']>) {
    return this.host.replace(...args);
  }
  override kill(...args: Parameters<SupervisedService['kill']>) {
    return this.host.kill(...args);
  }
  override ready(...args: Parameters<SupervisedService['ready']>) {
    return this.host.ready(...args);
  }
}
