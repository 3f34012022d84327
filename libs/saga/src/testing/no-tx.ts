import type { Tx } from '@ballast/database';

/** Local work of a saga under test used the transaction, and the test gave none. */
export class NoTransactionError extends Error {
  constructor(property: string) {
    super(
      `local work used tx.${property}, but this test has no transaction: pass one, given(definition, state, { tx }), or give the saga a double of the service it calls`,
    );
    this.name = 'NoTransactionError';
  }
}

/** Stands for a transaction that nothing may touch; it can be passed on. */
export const noTx = (): Tx =>
  new Proxy({} as Tx, {
    get(_, property) {
      if (typeof property === 'symbol' || property === 'then' || property === 'toJSON') return undefined;
      throw new NoTransactionError(property);
    },
  });
