import { parseArgs } from 'node:util';
import { CannotReconcileError } from './errors.js';

export const help = `Usage: npm run reconcile [-- options]

  Compares orders, stock, payments, the ledger and the processor's settlement, and writes what differs into the register.
  Exit 0: they agree. 1: they do not. 2: it could not be found out.

  --full                 every order; without it what changed since the last run, and what was found and is open
  --since TIME           what changed since then: 2026-11-27T12:00:00Z, or 90m, 24h, 7d ago
  --repair               has the owning service mend what is safe to mend
  --dry-run              writes nothing: no repair, nothing in the register
  --json                 for programs
  --watch                again and again, until it is stopped; all of it first, and then once a day
  --every SECONDS        of --watch: from the beginning of a run to that of the next (20)
  --grace SECONDS        what changed more recently is not judged (20)
  --messages SECONDS     how long the way of a message is watched, and free, before it counts as lost (12)

  --home DIRECTORY       of a platform that keeps its data elsewhere than in .ballast
  --accounts FILE        who asks: JSON with {"operator": {"email", "password"}}; instead of that platform's own operator
  --services URL         where services are, with {service} for the name: http://{service}:3000; with --accounts, without --home
  --help`;

export interface Options {
  full: boolean;
  since?: Date;
  repair: boolean;
  dryRun: boolean;
  json: boolean;
  watch: boolean;
  /** ms, as are the next two. */
  every: number;
  grace: number;
  messages: number;
  home?: string;
  services?: string;
  accounts?: string;
  help: boolean;
}

/** Throws `CannotReconcileError` for what cannot be understood. */
export function parseOptions(args: readonly string[], now = Date.now()): Options {
  const values = parse(args);
  const { since, home, services, accounts } = values;
  if (values.full && since) throw new CannotReconcileError('--full and --since exclude each other');
  if (services && !accounts) throw new CannotReconcileError('--services needs --accounts: who is to ask them');
  if (services && home) throw new CannotReconcileError('--services and --home exclude each other');
  if (services && !services.includes('{service}'))
    throw new CannotReconcileError('--services needs {service} in the URL: http://{service}:3000');
  return {
    ...{ full: values.full, repair: values.repair, dryRun: values['dry-run'], json: values.json, watch: values.watch, help: values.help },
    every: seconds('every', values.every, 1),
    grace: seconds('grace', values.grace, 0),
    messages: seconds('messages', values.messages, 0),
    ...(since && { since: timeOf(since, now) }),
    ...(home && { home }),
    ...(accounts && { accounts }),
    ...(services && { services }),
  };
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ full: flag, repair: flag, 'dry-run': flag, json: flag, watch: flag, help: flag },
        ...{ since: text, home: text, services: text, accounts: text },
        every: { ...text, default: '20' },
        grace: { ...text, default: '20' },
        messages: { ...text, default: '12' },
      },
    }).values;
  } catch (error) {
    throw new CannotReconcileError(`${(error as Error).message.split('. ')[0]}; see --help`, { cause: error });
  }
}

function seconds(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least || value > 86_400)
    throw new CannotReconcileError(`--${name} must be a number of seconds from ${least} to 86400, not "${text}"`);
  return value * 1000;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function timeOf(text: string, now: number): Date {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const time = count ? now - Number(count) * UNITS[unit!]! : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time))
    throw new CannotReconcileError(`--since must be a time such as 2026-11-27T12:00:00Z, or 90m, 24h, 7d; not "${text}"`);
  if (time > now) throw new CannotReconcileError(`--since ${text} is in the future`);
  return new Date(time);
}
