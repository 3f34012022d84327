import { compareSchemaFiles } from '@ballast/message';
import { join } from 'node:path';
import { messages } from './index.js';

const directory = join(__dirname, '..', 'schemas');

describe('the committed schemas', () => {
  it('list every message of the shop', () => {
    expect(messages.map((m) => m.type)).toEqual(
      expect.arrayContaining(['cart.checked-out.v1', 'inventory.reserve-stock.v1', 'payment.capture-payment.v1', 'order.confirmed.v1']),
    );
  });

  it('are what the code says: `npm run schemas` writes them; an incompatible change needs a new version', () => {
    expect(compareSchemaFiles(messages, directory)).toEqual([]);
  });

  it('name no type twice', () => {
    const types = messages.map((m) => m.type);
    expect(types).toEqual([...new Set(types)]);
  });
});
