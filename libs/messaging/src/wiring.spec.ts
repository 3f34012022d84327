import type { Tx } from '@ballast/database';
import { command, event, reads, type CommandOf, type EventOf } from '@ballast/message';
import { Injectable, Module, type Provider, Scope } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner, NestFactory } from '@nestjs/core';
import { z } from 'zod';
import { defer, refuse } from './answer.js';
import { Consume } from './consume.js';
import { discover } from './discovery.js';
import { intent } from './intent.js';
import { Perform, type Attempt } from './perform.js';
import { Replies } from './replies.js';
import { checkWiring, routerOf, WiringError } from './wiring.js';

const happened = event('shop.happened.v1', { key: (p) => p.id, payload: z.object({ id: z.string() }) });
const other = event('shop.other.v1', { key: (p) => p.id, payload: z.object({ id: z.string() }) });
const work = command('reader.work.v1', { payload: z.object({ id: z.string() }), reply: z.object({ n: z.int() }), failures: ['NO'] });
const foreign = command('shop.foreign.v1', { payload: z.object({}) });
const call = intent('call', z.object({ id: z.string() }));
const wanted = { service: 'reader', definitions: [happened, other, work, foreign], consumes: [happened] };

@Injectable()
class Right {
  @Consume(happened)
  on(_message: EventOf<typeof happened>, _tx: Tx): void {}
  @Consume(work)
  work({ payload }: CommandOf<typeof work>) {
    return payload.id ? { n: 1 } : refuse('NO');
  }
  @Perform(call)
  async perform(_attempt: Attempt<{ id: string }>) {
    return async () => undefined;
  }
}

async function found(...providers: Provider[]) {
  @Module({ imports: [DiscoveryModule], providers })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
  try {
    return discover(app.get(DiscoveryService), app.get(MetadataScanner));
  } finally {
    await app.close();
  }
}
const mistakes = async (...providers: Provider[]): Promise<string> => {
  try {
    checkWiring(wanted, await found(...providers));
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(WiringError);
    return (error as Error).message;
  }
};

it('accepts one handler for each message', async () => {
  expect(await mistakes(Right)).toBe('');
});

it('accepts a second name of the same provider', async () => {
  expect(await mistakes(Right, { provide: 'alias', useExisting: Right })).toBe('');
});

it('names each message without a handler, and the decorator to add', async () => {
  const text = await mistakes();
  expect(text).toMatch(/command reader\.work\.v1 has no handler: add @Consume/);
  expect(text).toMatch(/event shop\.happened\.v1 is in `consumes` and has no handler: add @Consume.*apps\/reader\/service\.ts/);
});

it('names both of two handlers and of two performers', async () => {
  @Injectable()
  class Again {
    @Consume(happened)
    also(): void {}
    @Perform(call)
    async perform() {
      return () => undefined;
    }
  }
  const text = await mistakes(Right, Again);
  expect(text).toMatch(/shop\.happened\.v1 has 2 handlers, Right\.on and Again\.also: keep one @Consume/);
  expect(text).toMatch(/intent "call" has 2 performers, Right\.perform and Again\.perform/);
});

it('refuses a handler of an event that is not consumed, and of a command of another service', async () => {
  @Injectable()
  class Stray {
    @Consume(other)
    on(): void {}
    @Consume(foreign)
    do(): void {}
  }
  const text = await mistakes(Right, Stray);
  expect(text).toMatch(/Stray\.on handles event shop\.other\.v1, which is not in `consumes`: add it in apps\/reader\/service\.ts/);
  expect(text).toMatch(/Stray\.do handles command shop\.foreign\.v1, which belongs to shop/);
});

it('refuses a handler that reads more of an event than the service states', async () => {
  const stated = { ...wanted, consumes: [reads(happened, {})] };
  const handlers = await found(Right);
  expect(() => checkWiring(stated, handlers)).toThrow(/Right\.on reads shop\.happened\.v1 otherwise than `consumes` states/);
});

it('refuses a request-scoped provider', async () => {
  @Injectable({ scope: Scope.REQUEST })
  class Scoped {
    @Consume(happened)
    on(): void {}
  }
  await expect(found(Scoped)).rejects.toThrow(/Scoped\.on.*singleton/);
});

it('does not lose in silence what a handler of an event answers', async () => {
  const envelope = { id: 'm', type: happened.type, source: '/t', key: 'k', time: new Date(), payload: { id: 'k' }, trace: {} };
  for (const answer of [refuse('NO'), defer(call({ id: 'k' }))]) {
    const router = routerOf([{ definition: happened, where: 'Reader.on', call: async () => answer }], new Replies());
    await expect(router(happened.type)!.handle(envelope, {} as Tx)).rejects.toThrow(
      /Reader\.on answers event shop\.happened\.v1 with (Refusal|Deferred)/,
    );
  }
});

it('does not compile with a wrong signature', () => {
  class Wrong {
    // @ts-expect-error -- the payload has no `name`
    @Consume(happened)
    payload(_message: { payload: { name: string } }): void {}
    // @ts-expect-error -- an event has no answer
    @Consume(happened)
    answer() {
      return refuse('NO');
    }
    // @ts-expect-error -- the contract's reply has an integer `n`
    @Consume(work)
    reply() {
      return { n: 'one' };
    }
    // @ts-expect-error -- not one of the contract's codes
    @Consume(work)
    code() {
      return refuse('MAYBE');
    }
    // @ts-expect-error -- this contract's reply is not empty
    @Consume(work)
    nothing(): void {}
    // @ts-expect-error -- a performer gives what is to be written
    @Perform(call)
    async perform() {
      return 1;
    }
  }
  expect(Wrong).toBeDefined();
});
