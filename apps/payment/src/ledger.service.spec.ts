import { isBalanced } from './ledger.service.js';

const row = (currency: string, debit: number, credit: number) => ({ account: 'sales' as const, currency, debit, credit });

describe('isBalanced', () => {
  it('compares debits and credits currency by currency', () => {
    expect(isBalanced([])).toBe(true);
    expect(isBalanced([row('EUR', 5, 0), row('EUR', 0, 5), row('USD', 0, 0)])).toBe(true);
    expect(isBalanced([row('EUR', 5, 0), row('USD', 0, 5)])).toBe(false);
  });
});
