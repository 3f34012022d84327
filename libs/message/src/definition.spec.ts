import { z } from 'zod';
import { command, event } from './definition.js';
import { InvalidPayloadError } from './errors.js';

const orderPlaced = event('shop.order-placed.v2', { key: (p) => p.id, payload: z.object({ id: z.uuid(), total: z.int() }) });
const id = '0198c1b0-0000-7000-8000-000000000001';

describe('event()', () => {
  it('derives service, version and topic from the type', () => {
    expect({ ...orderPlaced }).toMatchObject({
      kind: 'event',
      type: 'shop.order-placed.v2',
      service: 'shop',
      version: 2,
      topic: 'shop.events',
    });
  });

  it('builds a draft whose key is the aggregate id', () => {
    expect(orderPlaced({ id, total: 5 })).toMatchObject({ key: id, payload: { id, total: 5 }, definition: orderPlaced });
  });

  it('refuses a payload by naming its fields, never their values', () => {
    const build = () => orderPlaced({ id: 'alice@example.test', total: 1.5 });
    expect(build).toThrow(InvalidPayloadError);
    expect(build).toThrow(/shop\.order-placed\.v2 .*id: .*total: /);
    expect(build).not.toThrow(/alice/);
  });

  it.each(['shop.placed', 'Shop.placed.v1', 'shop.placed.v0', 'placed.v1', 'shop.placed.v1.x'])('refuses the type %s', (type) => {
    expect(() => event(type, { key: () => 'k', payload: z.object({}) })).toThrow(/<service>\.<name>\.v<n>/);
  });
});

describe('command()', () => {
  it('goes to the commands topic of its receiver and answers {} unless it says otherwise', () => {
    const ping = command('shop.ping.v1', { payload: z.object({}) });
    expect({ ...ping }).toMatchObject({ kind: 'command', topic: 'shop.commands', failures: [] });
    expect(ping.reply.parse({ more: 1 })).toEqual({});
  });
});
