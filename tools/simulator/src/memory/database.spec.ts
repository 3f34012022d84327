import type { Tx } from '@ballast/database';
import { MemoryDatabase } from './database.js';

interface Ticket {
  id: string;
  seat: string | undefined;
}

function setup() {
  const db = new MemoryDatabase('hall', () => 0);
  const tickets = db.table<string, Ticket>();
  const bySeat = tickets.indexed(({ seat }) => seat);
  const ids = (seat: string) => bySeat.of(seat).map(({ id }) => id);
  const undone = async (work: (tx: Tx) => Promise<void>) => {
    const { rollback } = await db.begin(work);
    rollback();
  };
  return { db, tickets, bySeat, ids, undone };
}

it('finds rows by another value, through every kind of write', () => {
  const { tickets, bySeat, ids } = setup();
  expect(bySeat.empty).toBe(true);
  for (const id of ['a', 'b']) tickets.put(id, { id, seat: 'x' });
  tickets.insert('c', { id: 'c', seat: undefined });
  expect([ids('x'), ids('y')]).toEqual([['a', 'b'], []]);
  tickets.update('a', { seat: 'y' });
  tickets.update('c', { seat: 'y' });
  expect([ids('x'), ids('y')]).toEqual([['b'], ['a', 'c']]);
  tickets.update('c', { seat: undefined });
  tickets.delete('a');
  expect([ids('x'), ids('y')]).toEqual([['b'], []]);
  expect(bySeat.some('x', ({ id }) => id === 'b')).toBe(true);
  expect(bySeat.some('y', () => true)).toBe(false);
});

it('gives a changed row as it is now', () => {
  const { tickets, bySeat } = setup();
  tickets.put('a', { id: 'a', seat: 'x' });
  const before = bySeat.of('x')[0];
  tickets.put('a', { id: 'a', seat: 'x' });
  expect(bySeat.of('x')[0]).toBe(tickets.get('a'));
  expect(bySeat.of('x')[0]).not.toBe(before);
});

it('forgets what a rollback takes back, and finds again what that had changed or deleted', async () => {
  const { tickets, ids, undone } = setup();
  for (const id of ['a', 'b']) tickets.put(id, { id, seat: 'x' });
  await undone(async () => {
    tickets.put('c', { id: 'c', seat: 'x' });
    tickets.update('a', { seat: 'y' });
    tickets.update('a', { seat: 'z' });
    tickets.delete('b');
    expect([ids('x'), ids('y'), ids('z')]).toEqual([['c'], [], ['a']]);
  });
  expect([ids('x').sort(), ids('y'), ids('z')]).toEqual([['a', 'b'], [], []]);
});

it('a savepoint takes back its own part alone', async () => {
  const { db, tickets, ids } = setup();
  const { commit } = await db.begin(async (tx) => {
    tickets.put('a', { id: 'a', seat: 'x' });
    const failed = tx.transaction(async () => {
      tickets.update('a', { seat: 'y' });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
  });
  commit();
  expect([ids('x'), ids('y')]).toEqual([['a'], []]);
});
