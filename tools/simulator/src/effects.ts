import type { Envelope, WireRecord } from '@ballast/message';
import type { Router } from '@ballast/messaging/parts';
import type { MemoryDatabase } from './memory/database.js';

interface Published {
  id: string;
  /** Who wrote it: order is kept among what one service writes. */
  source: string;
  topic: string;
  key: string;
  type: string;
}

/** Keeps count of what was published and of what took effect, at the moment it was committed, whoever heard of that. */
export class EffectLog {
  /** By message id, in the order of commits. A command that is sent again has one id. */
  readonly published = new Map<string, Published>();
  /** By `service/message id`: how often. */
  readonly effects = new Map<string, number>();
  /** By consumer, topic, key and producer: the ids, in the order in which they took effect first. */
  readonly order = new Map<string, string[]>();
  /** By intent id: how often it was settled. */
  readonly settled = new Map<string, number>();

  constructor(private readonly note: (who: string, what: string) => void) {}

  noteRecords(records: readonly WireRecord[]): void {
    for (const { topic, key, headers } of records) {
      const id = headers['ce_id']!;
      if (!this.published.has(id)) this.published.set(id, { id, source: headers['ce_source']!, topic, key, type: headers['ce_type']! });
    }
  }

  /** The router, with each handler's effect counted when its transaction commits. */
  watching(service: string, database: MemoryDatabase, router: Router): Router {
    const routes = new Map<string, ReturnType<Router>>();
    const watched = (type: string): ReturnType<Router> => {
      const route = router(type);
      return (
        route && {
          ...route,
          handle: async (envelope, tx) => {
            const answer = await route.handle(envelope, tx);
            database.onApplied(tx, () => this.noteEffect(service, envelope));
            return answer;
          },
        }
      );
    };
    return (type) => {
      if (!routes.has(type)) routes.set(type, watched(type));
      return routes.get(type);
    };
  }

  noteSettled(service: string, kind: string, id: string): void {
    this.settled.set(id, (this.settled.get(id) ?? 0) + 1);
    this.note(service, `settles ${kind} ${id}`);
  }

  private noteEffect(service: string, { id, type, key, payload }: Envelope): void {
    const { outcome, code } = (payload ?? {}) as { outcome?: string; code?: string };
    this.note(service, `handles ${type} of ${key}${outcome ? `: ${outcome}` : ''}${code ? ` ${code}` : ''}`);
    const place = `${service}/${id}`;
    const times = (this.effects.get(place) ?? 0) + 1;
    this.effects.set(place, times);
    const message = this.published.get(id);
    if (!message || times > 1) return;
    const lane = `${service}/${message.topic}/${message.key} from ${message.source}`;
    const ids = this.order.get(lane);
    if (ids) ids.push(id);
    else this.order.set(lane, [id]);
  }
}
