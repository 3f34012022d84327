import type { Money } from '@ballast/contracts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the global set-up left for the tests: where the platform runs, which processes it has, who may sign in. */
export interface Platform {
  gateway: string;
  /** Its data directory: `run.json`, credentials, logs. */
  home: string;
  services: Record<string, { pid: number; url: string }>;
  credentials: Record<'merchant' | 'buyer' | 'operator', { email: string; password: string }>;
  psp: { url: string; apiKey: string };
}

const { BALLAST_E2E_HOME: home } = process.env;

/** Reads the running platform anew: a service that was restarted has another pid. */
export function platform(): Platform {
  if (!home) throw new Error('BALLAST_E2E_HOME is not set: run these tests with `npm run test:e2e`');
  return platformAt(home);
}

/** The platform that runs in this directory. */
export function platformAt(home: string): Platform {
  const read = (file: string) => JSON.parse(readFileSync(join(home, file), 'utf8'));
  const { gateway, services } = read('run.json');
  return {
    gateway,
    home,
    services,
    credentials: read('credentials.json'),
    psp: { url: services.psp.url, apiKey: read('secrets.json').pspApiKey },
  };
}

/** The processor's own books: what it really did, whatever our services believe. */
export interface Operation {
  key: string;
  kind: 'authorisation' | 'capture' | 'refund' | 'cancellation';
  amount: Money;
  /** The operation it acts on: a capture's or refund's authorisation. */
  target: string | null;
  state: string;
}

export interface Span {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  attributes: Record<string, unknown>;
}

/** Every span that any service exported so far. */
export async function spans(): Promise<Span[]> {
  const { BALLAST_E2E_SPANS: url } = process.env;
  if (!url) throw new Error('BALLAST_E2E_SPANS is not set: run these tests with `npm run test:e2e`');
  return (await (await fetch(url)).json()) as Span[];
}
