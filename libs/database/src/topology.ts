import { type Host, hostName, sameHost } from './config.js';

/** What a look at one server showed. */
export type Sighting =
  | { state: 'primary'; timeline: number; /** Differs between any two servers. */ instance: string }
  | { state: 'replica' }
  | { state: 'away'; reason: string; /** It answered, and turned us away: a wrong password, a missing database. */ refused?: boolean };

/** Where reads and writes go. */
export interface View {
  primary?: Host;
  replicas: Host[];
  /** The highest timeline a primary was seen on. A claimant below it is an old primary and is not followed. */
  timeline: number;
  /** Why there is no primary. */
  reason: string;
}

export const UNSEEN: View = { replicas: [], timeline: 0, reason: 'none of the hosts has answered yet' };

/**
 * Chooses the primary. Of two claimants the higher timeline wins: it was promoted later. One below the highest timeline
 * ever seen is a primary from before a promotion, and is never followed. Two servers on one timeline are two clusters, or
 * a broken one: then the one in use stays, and without one in use there is none, since either choice could be the wrong one.
 */
export function decide(before: View, sightings: ReadonlyMap<Host, Sighting>): View {
  const seen = [...sightings];
  const replicas = seen.flatMap(([host, s]) => (s.state === 'replica' ? [host] : []));
  const claimants = seen.flatMap(([host, s]) => (s.state === 'primary' ? [{ host, ...s }] : []));
  const timeline = Math.max(before.timeline, ...claimants.map((c) => c.timeline));
  const top = claimants.filter((c) => c.timeline === timeline);

  const current = top.find((c) => sameHost(c.host, before.primary));
  const servers = new Set(top.map((c) => c.instance));
  const chosen = current ?? (servers.size === 1 ? top[0] : undefined);
  if (chosen) return { primary: chosen.host, replicas, timeline, reason: '' };
  return { replicas, timeline, reason: whyNone(seen, timeline, servers.size) };
}

function whyNone(seen: [Host, Sighting][], timeline: number, servers: number): string {
  if (servers > 1) return `${servers} servers claim to be the primary of timeline ${timeline}`;
  const states = seen.map(([host, s]) => {
    if (s.state === 'away') return `${hostName(host)}: ${s.reason}`;
    if (s.state === 'replica') return `${hostName(host)}: a replica`;
    return `${hostName(host)}: an old primary (timeline ${s.timeline}, ${timeline} was seen)`;
  });
  return states.join('; ') || UNSEEN.reason;
}
