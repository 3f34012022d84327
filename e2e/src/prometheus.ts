interface Reply<T> {
  status: 'success' | 'error';
  data: T;
  error?: string;
}

/** A running Prometheus, asked over its HTTP API. */
export class Prometheus {
  constructor(private readonly url: string) {}

  /** The value of each series that the expression gives now; what is no number (0 of 0) is left out. */
  async values(query: string): Promise<number[]> {
    const { result } = await this.get<{ result: { value: [number, string] }[] }>(`query?${new URLSearchParams({ query })}`);
    return result.map(({ value }) => Number(value[1])).filter(Number.isFinite);
  }

  async metricNames(): Promise<Set<string>> {
    return new Set(await this.get<string[]>('label/__name__/values'));
  }

  /** Targets that did not answer their last scrape, each with why. */
  async down(): Promise<string[]> {
    const { activeTargets } = await this.get<{ activeTargets: Target[] }>('targets?state=active');
    if (activeTargets.length === 0) throw new Error('Prometheus has no targets');
    return activeTargets
      .filter(({ health }) => health !== 'up')
      .map(({ labels, lastError }) => `${labels['job']} ${labels['instance']}: ${lastError}`);
  }

  /** Rules that could not be evaluated, each with why. */
  async brokenRules(): Promise<string[]> {
    const { groups } = await this.get<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>('rules');
    if (groups.length === 0) throw new Error('Prometheus has no rules');
    return groups.flatMap(({ rules }) =>
      rules.filter(({ health }) => health === 'err').map(({ name, lastError }) => `${name}: ${lastError}`),
    );
  }

  private async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}`, { signal: AbortSignal.timeout(10_000) });
    const { status, data, error } = (await response.json()) as Reply<T>;
    if (status !== 'success') throw new Error(`Prometheus answered ${response.status} to ${path}: ${error}`);
    return data;
  }
}

interface Target {
  health: string;
  labels: Record<string, string>;
  lastError: string;
}
