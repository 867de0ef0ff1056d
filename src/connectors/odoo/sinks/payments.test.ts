import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Payment } from '../../../model/payment.ts';
import { foundOf } from './payments.ts';

const payment: Payment = {
  id: 'ch_1',
  order: 'o',
  method: 'card',
  paidOn: '2026-11-21',
  currency: 'EUR',
  amount: 8000,
};
const row = {
  id: 7,
  name: 'PBNK1/2026/00007',
  memo: 'ch_1',
  amount: 80,
  state: 'paid',
  currency_id: [1, 'EUR'],
  is_reconciled: true,
};

describe('what Odoo holds of a payment', () => {
  it('is nothing, or exactly it', () => {
    assert.deepEqual(foundOf(payment, []), { found: 'absent' });
    assert.deepEqual(foundOf(payment, [row]), { found: 'whole', id: '7' });
    assert.deepEqual(foundOf(payment, [{ ...row, state: 'in_process' }]), { found: 'whole', id: '7' });
  });

  it('is something that a person must look at, in words', () => {
    const words = (rows: object[]) => {
      const found = foundOf(payment, rows as never);
      assert.equal(found.found, 'partial');
      return (found as Extract<typeof found, { found: 'partial' }>).message;
    };
    assert.match(
      words([row, { ...row, id: 8, name: 'PBNK1/2026/00008' }])!,
      /2 payments.*00007, PBNK1\/2026\/00008\), not one/,
    );
    assert.match(words([{ ...row, amount: 79.99 }])!, /of 79\.99 EUR instead of 80\.00 EUR/);
    assert.match(words([{ ...row, currency_id: [2, 'USD'] }])!, /USD instead of 80\.00 EUR/);
    assert.match(words([{ ...row, is_reconciled: false }])!, /not set against an invoice/);
    assert.match(words([{ ...row, state: 'draft', name: false }])!, /draft 7.*as a draft/);
  });
});
