import type { Clock, Transport } from '@ballast/messaging';
import { systemClock } from '@ballast/messaging';
import { duration, type Duration } from '@ballast/resilience';
import { DEFAULT_KEEP } from './archive.js';
import { DEFAULT_RETRY, type RetryPolicy } from './retry.js';

export interface SagaOptions {
  /** Replies come to `<service>.replies`. */
  service: string;
  /** Deadlines pause while it is not connected, reads nothing, or takes nothing. */
  transport: Pick<Transport, 'connected' | 'consuming' | 'writable'>;
  /** How steps that must succeed are tried again. Default: 8 tries, 1 s doubled up to 1 m between them. */
  retry?: Partial<RetryPolicy>;
  /** How often deadlines are looked at, and the working clock is moved on. Default `1s`; at most `2s`, the longest that counts. */
  tick?: Duration;
  /** How long database and broker must have been there before deadlines go on, so that replies that waited are read first. Default `15s`. */
  grace?: Duration;
  /** How long a finished saga keeps its state; its history stays. Default `7d`. */
  keep?: Duration;
  clock?: Clock;
}

export interface ResolvedSagaOptions {
  service: string;
  transport: Pick<Transport, 'connected' | 'consuming' | 'writable'>;
  retry: RetryPolicy;
  /** Milliseconds. */
  tick: number;
  /** Milliseconds. */
  grace: number;
  /** Milliseconds. */
  keep: number;
  clock: Clock;
}

export const SAGA_OPTIONS = Symbol('SAGA_OPTIONS');

export function resolveOptions({
  service,
  transport,
  retry,
  tick = '1s',
  grace = '15s',
  keep = DEFAULT_KEEP,
  clock = systemClock,
}: SagaOptions): ResolvedSagaOptions {
  return {
    service,
    transport,
    retry: { ...DEFAULT_RETRY, ...retry },
    tick: duration(tick),
    grace: duration(grace),
    keep: duration(keep),
    clock,
  };
}
