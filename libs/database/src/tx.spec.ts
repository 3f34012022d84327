import type { EntityManager, QueryRunner } from 'typeorm';
import { NotInTransactionError } from './errors.js';
import { afterCommit, beforeCommit, openScope, requireTransaction, type Tx, txState } from './tx.js';

const key = () => ({});

describe('what belongs to a transaction', () => {
  const begin = () => {
    const queryRunner = {} as QueryRunner;
    const tx = { queryRunner } as Tx;
    return { tx, scope: openScope(queryRunner) };
  };

  it('runs hooks in order of registration, and those that hooks register', async () => {
    const { tx, scope } = begin();
    const order: string[] = [];
    beforeCommit(tx, key(), async () => {
      order.push('first');
      beforeCommit(tx, key(), async () => void order.push('third'));
    });
    beforeCommit(tx, key(), async () => void order.push('second'));
    await scope.runBefore(tx);
    expect(order).toEqual(['first', 'second', 'third']);
  });

  it('runs one hook per key, and takes the key again once it ran', async () => {
    const { tx, scope } = begin();
    const outbox = key();
    const ran: string[] = [];
    beforeCommit(tx, outbox, async () => void ran.push('outbox'));
    beforeCommit(tx, outbox, async () => void ran.push('not this'));
    beforeCommit(tx, key(), async () => beforeCommit(tx, outbox, async () => void ran.push('outbox again')));
    await scope.runBefore(tx);
    expect(ran).toEqual(['outbox', 'outbox again']);
  });

  it('stops at the first hook that fails', async () => {
    const { tx, scope } = begin();
    const second = jest.fn();
    beforeCommit(tx, key(), () => Promise.reject(new Error('no')));
    beforeCommit(tx, key(), second);
    await expect(scope.runBefore(tx)).rejects.toThrow('no');
    expect(second).not.toHaveBeenCalled();
  });

  it('keeps one state per key', () => {
    const { tx } = begin();
    const [one, other] = [key(), key()];
    txState<string[]>(tx, one, () => []).push('x');
    expect(txState(tx, one, () => [])).toEqual(['x']);
    expect(txState(tx, other, () => [])).toEqual([]);
    expect(txState(begin().tx, one, () => [])).toEqual([]);
  });

  it('takes state and hooks back with a savepoint, but not those of a released one', async () => {
    const { tx, scope } = begin();
    const [buffer, hooked] = [key(), key()];
    const list = txState<string[]>(tx, buffer, () => []);
    list.push('before');

    scope.enterSavepoint();
    list.push('kept');
    scope.leaveSavepoint('released');

    scope.enterSavepoint();
    list.push('lost');
    txState<string[]>(tx, hooked, () => ['lost too']);
    const hook = jest.fn();
    beforeCommit(tx, hooked, hook);
    afterCommit(tx, hook);
    scope.leaveSavepoint('rolled back');

    expect(txState(tx, buffer, () => [])).toEqual(['before', 'kept']);
    expect(txState(tx, hooked, () => ['anew'])).toEqual(['anew']);
    await scope.runBefore(tx);
    scope.after.forEach((after) => after());
    expect(hook).not.toHaveBeenCalled();
  });

  it('refuses a manager outside of a transaction, and one whose transaction has ended', () => {
    const outside = {} as EntityManager;
    expect(() => requireTransaction(outside)).toThrow(NotInTransactionError);
    expect(() => requireTransaction({ queryRunner: {} } as EntityManager)).toThrow(NotInTransactionError);
    const { tx, scope } = begin();
    requireTransaction(tx);
    void scope.end();
    for (const use of [() => requireTransaction(tx), () => beforeCommit(tx, key(), jest.fn()), () => afterCommit(tx, jest.fn())])
      expect(use).toThrow('has ended');
  });
});
