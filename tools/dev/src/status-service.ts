import { memory } from './status-memory.js';
import { parseMetrics, type Sample, sumOf } from './metrics-text.js';

export interface ServiceStatus {
  name: string;
  url: string;
  pid?: number;
  /** `ok`; `degraded`: it answers, without what is `away`; `starting`, `stopping`: it lives and is not ready; `down`: it does not answer. */
  health: 'ok' | 'degraded' | 'starting' | 'stopping' | 'down';
  away: string[];
  restarts: number;
  uptimeSeconds?: number;
  /** Messages that wait to be sent, and seconds since the oldest was written. */
  outbox?: { pending: number; oldestSeconds: number; parked: number };
  /** Messages that wait to be read. */
  lag?: number;
  deadLetters?: number;
  sagas?: { unfinished: number; stuck: number };
  memoryBytes?: number;
}

const patience = 3_000;

/** Asks a service for its health and its metrics. */
export async function serviceStatus(
  name: string,
  { url, pid, restarts = 0 }: { url: string; pid?: number | undefined; restarts?: number },
): Promise<ServiceStatus> {
  const [health, samples] = await Promise.all([healthOf(url), metricsOf(url)]);
  const bytes = pid === undefined ? undefined : memory(pid);
  return {
    name,
    url,
    restarts,
    ...(pid !== undefined && { pid }),
    ...health,
    ...(samples && measured(samples)),
    ...(bytes !== undefined && { memoryBytes: bytes }),
  };
}

async function healthOf(url: string): Promise<Pick<ServiceStatus, 'health' | 'away'>> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(patience) });
    const { status, away = [] } = (await response.json()) as { status: ServiceStatus['health']; away?: string[] };
    return { health: status, away };
  } catch {
    return { health: 'down', away: [] };
  }
}

async function metricsOf(url: string): Promise<Sample[] | undefined> {
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(patience) });
    return response.ok ? parseMetrics(await response.text()) : undefined;
  } catch {
    return undefined;
  }
}

function measured(samples: readonly Sample[]): Partial<ServiceStatus> {
  const started = sumOf(samples, 'process_start_time_seconds');
  const pending = sumOf(samples, 'ballast_outbox_pending');
  const lag = sumOf(samples, 'ballast_consumer_lag');
  const deadLetters = sumOf(samples, 'ballast_dead_letters_open');
  const unfinished = sumOf(samples, 'ballast_sagas');
  return {
    ...(started !== undefined && { uptimeSeconds: Math.max(0, Date.now() / 1000 - started) }),
    ...(pending !== undefined && {
      outbox: {
        pending,
        oldestSeconds: sumOf(samples, 'ballast_outbox_oldest_seconds') ?? 0,
        parked: sumOf(samples, 'ballast_outbox_parked') ?? 0,
      },
    }),
    ...(lag !== undefined && { lag }),
    ...(deadLetters !== undefined && { deadLetters }),
    ...(unfinished !== undefined && { sagas: { unfinished, stuck: sumOf(samples, 'ballast_sagas', { state: 'STUCK' }) ?? 0 } }),
  };
}
