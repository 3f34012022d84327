import { gauge, perScope } from '@ballast/tracing';
import type { Batch } from './transport.js';

/** By topic and partition. Holds a partition's last batch: only that one knows whether the partition is still this member's. */
const partitions = perScope(() => new Map<string, { batch: Batch; left: number }>());

/**
 * `ballast_consumer_lag`: what is left of each partition this member has, also while it cannot be worked on. A partition that went
 * to another member, or whose membership is in doubt, is not shown: its new owner shows it.
 */
export function exposeLag(): void {
  gauge('ballast_consumer_lag', 'Messages of a partition that are still to be handled', ['topic', 'partition'], (lag) => {
    lag.reset();
    for (const [key, { batch, left }] of partitions()) {
      if (batch.active) lag.set({ topic: batch.topic, partition: String(batch.partition) }, left);
      else partitions().delete(key);
    }
  });
}

/** `left`: records of the batch that are not handled yet. */
export function noteLag(batch: Batch, left: number): void {
  partitions().set(keyOf(batch), { batch, left: batch.lag + left });
}

export const forgetLag = (batch: Batch): void => void partitions().delete(keyOf(batch));

/** What is left of each partition that this process has at the moment. */
export const lagNow = (): { topic: string; partition: number; messages: number }[] =>
  [...partitions().values()]
    .filter(({ batch }) => batch.active)
    .map(({ batch: { topic, partition }, left }) => ({ topic, partition, messages: left }))
    .sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);

const keyOf = ({ topic, partition }: Batch): string => `${topic}/${partition}`;
