import type { DatabaseConfig, Tx } from '@ballast/database';
import { event, type EventOf } from '@ballast/message';
import { Injectable, type Type } from '@nestjs/common';
import { z } from 'zod';
import { Consume, type Transport } from '../../src/index.js';
import { startService, type TestService } from '../service.js';

export interface ReplicaOptions {
  /** Names the service, its topics and its group. */
  shop: string;
  config: DatabaseConfig;
  instanceId: string;
}

export interface Replica extends TestService {
  /** How often its handler was called, whatever came of it. */
  readonly handled: number;
  /** One transaction with one event of each key. */
  publish(keys: readonly string[], n: number): Promise<void>;
}

/** One event, numbered per key; its effect is `<key>:<n>`. */
export const happenedIn = (shop: string) =>
  event(`${shop}.happened.v1`, { key: (p) => p.key, payload: z.object({ key: z.string(), n: z.int() }) });

/** A replica of a service that reads what it writes. No test framework is needed, so that it can be a process of its own. */
export async function startReplica(o: ReplicaOptions, transport: Transport): Promise<Replica> {
  const happened = happenedIn(o.shop);
  const calls = { count: 0 };
  const service = await startService({
    name: o.shop,
    definitions: [happened],
    consumes: [happened],
    providers: [handlersOf(happened, calls)],
    config: o.config,
    transport,
    instanceId: o.instanceId,
  });
  return {
    ...service,
    get handled() {
      return calls.count;
    },
    publish: (keys: readonly string[], n: number) =>
      service.database.transaction(async (tx) => {
        for (const key of keys) await service.outbox.add(tx, happened({ key, n }));
      }),
  };
}

function handlersOf(happened: ReturnType<typeof happenedIn>, calls: { count: number }): Type {
  @Injectable()
  class Handlers {
    @Consume(happened)
    async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
      calls.count++;
      await tx.query('INSERT INTO effect (name) VALUES ($1)', [`${payload.key}:${payload.n}`]);
    }
  }
  return Handlers;
}

/** The numbers of a key's effects, in the order in which they were written. */
export const numbersOf = (effects: readonly string[], key: string): number[] =>
  effects.filter((effect) => effect.startsWith(`${key}:`)).map((effect) => Number(effect.split(':')[1]));

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
