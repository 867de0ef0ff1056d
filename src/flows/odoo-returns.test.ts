import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReturnRecord } from '../connectors/odoo/sources/returns.ts';
import type { Look } from '../core/flow.ts';
import { odooReturns } from './odoo-returns.ts';

test('goods that came back count once, however often their receipt is read', async () => {
  const flow = odooReturns({ from: {} as never, to: { return: {} as never }, sold: () => true });
  const line = { externalId: 'hub_odoo.order_line_web_3a_1-7', saleLine: 5, product: 3, code: 'MUG', quantity: 2 };
  const record = {
    id: 9,
    version: '2026-11-24 10:00:00',
    name: 'WH/IN/9',
    order: { id: 4, name: 'S4', reference: '#1001', line: null },
    warehouse: 'WH',
    doneAt: '2026-11-24T10:00:00Z',
    lines: [{ ...line, sellable: true }],
  } as unknown as ReturnRecord;
  let told: unknown = null;
  const look = {
    connection: 'odoo',
    keyOf: async (_: unknown, id: string) => (id === '4' ? 'web:1' : null),
    current: async () => told,
    mapping: () => ({ get: () => 'central' }),
  } as unknown as Look;
  const first = await flow.translate(record, look);
  assert.equal(first.documents.length, 1);
  assert.equal(first.brought?.lines, 1);
  told = first.documents[0]!.body;
  assert.equal((await flow.translate(record, look)).brought?.lines, 0);
});
