import { event, type EventOf } from '@ballast/message';
import { Consume } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { Producer } from 'kafkajs';
import { z } from 'zod';
import { type Measure, median, quantile, type Result } from './figures.js';
import { closedLoop, openLoop, until } from './load.js';
import { busySince, processors } from './machine.js';
import { FETCH, NOTE } from './messages.js';
import { compared, inTurnsOf, type Scale, shown, warmUp } from './rounds.js';
import { startBenchService } from './service.js';
import type { Stage, Store } from './stage.js';

/** Messages a second at which a machine like those of the published pages is about a third busy: measured in each run. */
const STEADY = 100;
/** Of what gets through at most. One by one costs more than many at once, so the machine is far busier by then than this says. */
const SHARE = 0.3;
const DIRECT = 'raw.direct';

/** Its sender is also its reader. */
const probe = event('probe.sent.v1', { key: (p) => p.account, payload: z.object({ account: z.string(), note: z.string() }) });

@Injectable()
class Probe {
  readonly entered = new Map<string, number>();
  @Consume(probe)
  async on({ payload }: EventOf<typeof probe>): Promise<void> {
    this.entered.set(payload.account, performance.now());
  }
}

/** From the acknowledged commit to the handler, beside kafkajs' `send` to its consumer; clients, relay and consumer in this process. */
export async function latencyBench(
  stage: Stage,
  scale: Scale,
  { store, producer }: { store: Store; producer: Producer },
): Promise<Pick<Result, 'measures' | 'notes'>> {
  await stage.topics([probe.topic, DIRECT]);
  const service = await startBenchService(stage, {
    ...{ name: 'probe', store, definitions: [probe], consumes: [probe], providers: [Probe] },
  });
  const delays: number[] = [];
  const direct = stage.client('bench-direct').consumer({ groupId: 'bench-direct', ...FETCH });
  try {
    await direct.connect();
    await direct.subscribe({ topics: [DIRECT], fromBeginning: true });
    await direct.run({ eachMessage: async ({ message }) => void delays.push(performance.now() - Number(message.value!.toString())) });
    const { entered } = service.app.get(Probe);
    const write = async () => {
      const account = randomUUID();
      await service.database.transaction((tx) => service.outbox.add(tx, probe({ account, note: NOTE })));
      return { account, acknowledged: performance.now() };
    };
    const sendRaw = () => producer.send({ topic: DIRECT, acks: -1, messages: [{ key: randomUUID(), value: String(performance.now()) }] });
    await write();
    await sendRaw();
    await until('both ways being open', () => entered.size > 0 && delays.length > 0);

    const saturated = async () => {
      entered.clear();
      let written = 0;
      const start = performance.now();
      await closedLoop(16, scale.quick ? 1 : 3, () => write().then(() => written++));
      await until('the last message arriving', () => entered.size >= written);
      return written / ((performance.now() - start) / 1_000);
    };
    const full = Math.max(...(await warmUp(scale, 'commit to handler, 16 clients at once', saturated)));
    const high = Math.max(10, Math.round(SHARE * full));

    // The clock begins with the acknowledged commit; on the other side with the call of `send`.
    const ours = async (rate: number, count: number) => {
      entered.clear();
      const written: Awaited<ReturnType<typeof write>>[] = [];
      await openLoop(rate, count, async () => void written.push(await write()));
      await until('the last message arriving', () => entered.size >= count);
      return quantiles(written.map(({ account, acknowledged }) => Math.max(0, entered.get(account)! - acknowledged)));
    };
    const theirs = async (rate: number, count: number) => {
      delays.length = 0;
      await openLoop(rate, count, sendRaw);
      await until('the last message arriving', () => delays.length >= count);
      return quantiles(delays);
    };
    const measures: Measure[] = [];
    const busy: string[] = [];
    for (const rate of [STEADY, high]) {
      const count = rate * (scale.quick ? 1 : 8);
      const shares: [number[], number[]] = [[], []];
      const noting = (side: 0 | 1, turn: typeof ours) => async () => {
        const before = processors();
        return await turn(rate, count).finally(() => shares[side].push(busySince(before)));
      };
      const { p50, p99 } = await inTurnsOf(scale, `commit to handler, ${rate}/s`, [
        ['outbox, relay, inbox', noting(0, ours)],
        ['kafkajs send to receive', noting(1, theirs)],
      ]);
      measures.push(compared(`commit to handler at ${rate}/s, p50`, 'ms', p50, { is: 'at most', bound: 1.5 }));
      measures.push(compared(`commit to handler at ${rate}/s, p99`, 'ms', p99, { is: 'at most', bound: 3 }));
      const [with_, without] = shares.map((each) => `${Math.round(100 * median(each))} %`);
      busy.push(`at ${rate}/s the processors were ${with_} busy, with kafkajs alone ${without}`);
    }
    return {
      measures,
      notes: [
        `Load: ${busy.join('; ')}. ${high}/s is ${SHARE * 100} % of the ${shown(full)} messages a second that get from 16 clients without a pause to the handler, many at once; clients, relay and consumer are one process.`,
      ],
    };
  } finally {
    await direct.disconnect();
    await service.stop();
  }
}

const quantiles = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99) });
