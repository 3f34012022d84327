import type { Tx } from '@ballast/database';
import { command, event, type CommandOf, type EventOf } from '@ballast/message';

import { inSpan } from '@ballast/tracing';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type ReadableSpan, InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { z } from 'zod';
import { Consume, defer, intent, Outbox, Perform, Replies, type Settlement } from '../src/index.js';
import { Cleanup, freshDatabase, serviceName, startService, eventually } from './harness.js';

const [shop, pay] = [serviceName(), serviceName('pay')];
const ordered = event(`${shop}.ordered.v1`, { key: (p) => p.id, payload: z.object({ id: z.string() }) });
const charge = command(`${pay}.charge.v1`, { payload: z.object({ id: z.string() }) });
const chargeOutside = intent('charge', z.object({ id: z.string() }));

@Injectable()
class ShopHandlers implements OnModuleInit {
  answered = 0;
  constructor(
    private readonly outbox: Outbox,
    private readonly replies: Replies,
  ) {}
  onModuleInit(): void {
    this.replies.handle(async () => void this.answered++);
  }
  @Consume(ordered)
  on({ payload }: EventOf<typeof ordered>, tx: Tx): Promise<void> {
    return this.outbox.addCommand(tx, charge(payload), { key: payload.id, replyTo: `${shop}.replies`, sagaId: payload.id });
  }
}
Reflect.defineMetadata('design:paramtypes', [Outbox, Replies], ShopHandlers);

@Injectable()
class PayHandlers {
  @Consume(charge)
  charge({ payload }: CommandOf<typeof charge>) {
    return defer(chargeOutside(payload));
  }
  @Perform(chargeOutside)
  async perform(): Promise<Settlement> {
    return () => ({});
  }
}

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const cleanup = new Cleanup();
beforeAll(() => provider.register());
afterAll(async () => {
  await cleanup.run();
  await provider.shutdown();
});

it('is one trace from add through relay, consumer, command, intent and reply', async () => {
  const [a, b] = [await freshDatabase(), await freshDatabase()];
  cleanup.add(() => Promise.all([a.drop(), b.drop()]));
  const definitions = [ordered, charge];
  const shopService = await startService({ name: shop, definitions, consumes: [ordered], providers: [ShopHandlers], config: a.config });
  cleanup.add(() => shopService.stop());
  const payService = await startService({ name: pay, definitions, providers: [PayHandlers], config: b.config });
  cleanup.add(() => payService.stop());

  await inSpan('POST /orders', { parent: {} }, () =>
    shopService.database.transaction((tx) => shopService.outbox.add(tx, ordered({ id: 'one' }))),
  );
  await eventually(() => expect(shopService.app.get(ShopHandlers).answered).toBe(1));

  const spans = await eventually(() => {
    const all = exporter.getFinishedSpans();
    expect(all.some((s) => s.name === `process ${shop}.replies`)).toBe(true);
    return all;
  });
  const root = spans.find((s) => s.name === 'POST /orders')!;
  const path: string[] = [];
  const parentOf = (span: ReadableSpan) => spans.find((s) => s.spanContext().spanId === span.parentSpanContext?.spanId);
  for (let at = spans.find((s) => s.name === `process ${shop}.replies`); at; at = parentOf(at)) path.unshift(at.name);
  expect(path).toEqual([
    'POST /orders',
    `send ${shop}.events`,
    `process ${shop}.events`,
    `send ${pay}.commands`,
    `process ${pay}.commands`,
    'perform charge',
    `send ${shop}.replies`,
    `process ${shop}.replies`,
  ]);
  expect(new Set(spans.filter((s) => path.includes(s.name)).map((s) => s.spanContext().traceId))).toEqual(
    new Set([root.spanContext().traceId]),
  );
  const causes = await payService.rows<{ message_id: string }>('SELECT message_id FROM inbox');
  expect(causes).toHaveLength(1);
});
