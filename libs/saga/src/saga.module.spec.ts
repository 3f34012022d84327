import { Database } from '@ballast/database';
import { Outbox, Replies } from '@ballast/messaging';
import { Injectable, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { saga } from './definition.js';
import { Saga, SagaModule } from './saga.module.js';
import { Sagas } from './sagas.js';

const nothing = () => Promise.resolve();

@Saga()
@Injectable()
class Trips {
  readonly definition = saga<{ id: string }>('trip.v1').step('go', { do: nothing });
}
@Saga()
@Injectable()
class MoreTrips {
  readonly definition = saga<{ id: string }>('trip.v1').step('go elsewhere', { do: nothing });
}
@Saga()
@Injectable()
class NextTrips {
  readonly definition = saga<{ id: string }>('trip.v2').step('go', { do: nothing });
}
@Saga()
@Injectable()
class Empty {
  readonly definition = saga<{ id: string }>('empty.v1');
}
@Saga()
@Injectable()
class Nothing {}

/** The database is away, and stays so: wiring must not need it. */
async function boot(...providers: Type[]) {
  const replies = new Replies();
  const away = { ready: new Promise(() => undefined), available: false, retention: { add: () => undefined } } as unknown as Database;
  @Module({
    providers: [
      { provide: Database, useValue: away },
      { provide: Replies, useValue: replies },
      { provide: Outbox, useValue: {} },
    ],
    exports: [Database, Replies, Outbox],
  })
  class Platform {}
  const modules = [
    { module: Platform, global: true },
    SagaModule.forRoot({ service: 'trips', transport: { connected: false, consuming: false, writable: false } }),
  ];
  @Module({ imports: modules, providers })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
  const sagas = app.get(Sagas);
  await app.close();
  return { replies, sagas };
}

it('runs the sagas of its providers, several versions side by side, and listens for replies', async () => {
  const { replies, sagas } = await boot(Trips, NextTrips);
  expect(sagas).toBeInstanceOf(Sagas);
  expect(replies.listener).toBeDefined();
});

it('does not ask for replies without a saga', async () => {
  expect((await boot()).replies.listener).toBeUndefined();
});

it('refuses to boot when it is wired wrongly, and says where', async () => {
  await expect(boot(Trips, MoreTrips)).rejects.toThrow('@Saga() MoreTrips: another provider has the definition trip.v1 too');
  await expect(boot(Empty)).rejects.toThrow('@Saga() Empty: empty.v1 has no steps');
  await expect(boot(Nothing)).rejects.toThrow("@Saga() Nothing needs a property `definition = saga<State>('name.v1')");
});
