import { platformAt, type Platform } from './platform.js';
import type { Drill } from './drill.js';

type Remote<T> = { [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never };

/** How often, and for how long, things are away: BALLAST_OUTAGE_SECONDS gives the seconds, 15 by default. */
export const OUTAGE_SECONDS = Number(process.env['BALLAST_OUTAGE_SECONDS'] ?? 15);

/** The platform the set-up of the drills has started: a test may break it, and heals it when it ends. */
export function drilledPlatform(): { platform: Platform; drill: Remote<Drill> } {
  const { BALLAST_DRILL_HOME: home, BALLAST_DRILL_URL: url } = process.env;
  if (!home || !url) throw new Error('BALLAST_DRILL_URL is not set: run these tests with `npm run test:drills`');
  const call = async (method: string, args: unknown[]) => {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ method, args }) });
    const { result, error } = (await response.json()) as { result?: unknown; error?: string };
    if (error !== undefined) throw new Error(`drill.${method}: ${error}`);
    return result;
  };
  const drill = new Proxy(
    {},
    {
      get:
        (_, method) =>
        (...args: unknown[]) =>
          call(String(method), args),
    },
  ) as Remote<Drill>;
  return { platform: platformAt(home), drill };
}
