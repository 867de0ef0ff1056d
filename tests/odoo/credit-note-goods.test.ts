import assert from 'node:assert/strict';
import { test } from 'node:test';
import { externalId } from '../../src/connectors/odoo/external-id.ts';
import { toRefund } from '../../src/connectors/odoo/mapping/credit-notes.ts';
import type { CreditLine, CreditNoteRecord } from '../../src/connectors/odoo/sources/credit-notes.ts';
import type { Refund } from '../../src/model/refund.ts';
import { lookWith } from './estate.ts';

const ORDER = 'web:1001';

/** A piece of 10.00, and where it came back. */
const line = (n: number, back: CreditLine['back']): CreditLine => ({
  id: n,
  saleLine: 20 + n,
  externalId: externalId('hub_odoo', 'order_line', ORDER, `L${n}`),
  description: `Thing ${n}`,
  quantity: 1,
  total: 10,
  tax: 0,
  back,
});

const noteOf = (lines: readonly CreditLine[]): CreditNoteRecord => ({
  id: 5,
  version: '2026-11-24 10:00:00',
  name: 'RINV/2026/00005',
  state: 'posted',
  day: '2026-11-24',
  currency: 'EUR',
  total: 10 * lines.length,
  owed: 10 * lines.length,
  orders: [{ id: 7, name: 'S00007', reference: '#1001', line: null }],
  lines,
});

const told = async (lines: readonly CreditLine[], returnsToo: boolean): Promise<Refund> => {
  const look = lookWith({
    mappings: { 'odoo-warehouses': { WH: 'central' } },
    keys: { 'order 7': ORDER },
  });
  const { refund } = await toRefund(noteOf(lines), look, { sold: (key) => key === ORDER, returnsToo });
  return refund!;
};

const back = (picking: number, warehouse: string | null = 'WH') => ({ picking, warehouse });

test('a refund waits for the newest return of what came of its goods; what did not come may be returned later', async () => {
  const refund = await told([line(1, back(31)), line(2, null), line(3, back(30))], true);
  assert.equal(refund.return, 'odoo-main:return-31');
  assert.deepEqual(
    refund.lines.map(({ mayReturn }) => mayReturn),
    [undefined, true, undefined],
  );
  assert.equal((await told([line(1, null)], true)).return, null, 'nothing came');
});

test('where no return tells it, goods are for sale again in the location of their warehouse; of a place without one nowhere', async () => {
  const lines = [line(1, back(31)), line(2, null), line(3, back(32, null)), line(4, back(33, ''))];
  const refund = await told(lines, false);
  assert.equal(refund.return, null);
  assert.deepEqual(
    refund.lines.map(({ restockAt }) => restockAt),
    ['central', undefined, undefined, undefined],
  );
});
