import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PaidBack } from '../connectors/shopify/mapping/money-back.ts';
import { nothing } from '../core/document.ts';
import type { Look } from '../core/flow.ts';
import type { Refund } from '../model/refund.ts';
import { paidBackOf } from './paid-back.ts';

const line = { id: '1', orderLine: null, description: 'x', quantity: '0', amount: 1000, tax: 0, taxes: [] };
const refund: Refund = {
  id: 'odoo:credit-note-1',
  number: 'RINV/1',
  order: 'web:1',
  orderNumber: '#1001',
  return: null,
  creditNote: 'RINV/1',
  refundedOn: '2026-11-24',
  method: null,
  currency: 'EUR',
  amount: 1000,
  lines: [line],
};
const look = (known: Refund | null) => ({ current: async () => known }) as unknown as Pick<Look, 'current'>;
const told = (more: Partial<PaidBack> = {}): PaidBack[] => [
  { key: refund.id, paidOn: '2026-11-25', method: 'card', amount: 1000n, failed: false, ...more },
];

test('a refund of the books that was paid is the same refund, with its method and day', async () => {
  const { drafts, objections, brought } = await paidBackOf(told(), look(refund));
  assert.deepEqual(objections, []);
  assert.deepEqual(
    brought,
    { lines: 1, currency: 'EUR', minor: -1000n, absolute: 1000n },
    'the books are told of it too',
  );
  assert.deepEqual(drafts, [{ kind: 'refund', body: { ...refund, method: 'card', refundedOn: '2026-11-25' } }]);
});

test('what was told before brings nothing more', async () => {
  const { drafts, brought } = await paidBackOf(told(), look({ ...refund, method: 'card' }));
  assert.deepEqual([drafts.length, brought], [1, nothing]);
});

test('refunds that others decided on, and those of another hub, are left alone', async () => {
  const { creditNote, ...tills } = refund;
  for (const known of [tills, null])
    assert.deepEqual(await paidBackOf(told(), look(known)), { drafts: [], objections: [], brought: nothing });
});

test('what did not go through, or not to the cent, goes to a person with both figures', async () => {
  for (const [more, paid, left] of [
    [{ amount: 0n, failed: true }, '0.00', -1000n],
    [{ amount: 999n }, '9.99', -1n],
    [{ amount: 1001n }, '10.01', 1n],
  ] as const) {
    const { drafts, objections, brought } = await paidBackOf(told(more), look(refund));
    assert.deepEqual(drafts, []);
    assert.equal(objections[0]!.cause, 'refund-not-paid');
    assert.match(objections[0]!.message, new RegExp(`RINV/1 of order #1001 \\(10.00 EUR\\) .* paid back ${paid} EUR`));
    assert.equal(objections[0]!.measure.minor, left);
    assert.deepEqual(brought, objections[0]!.measure, 'what stands at an Exception was received');
  }
});
