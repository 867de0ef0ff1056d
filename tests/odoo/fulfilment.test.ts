import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderKeyOf } from '../../src/connectors/odoo/external-id.ts';
import type { DeliveryRecord, PickingRecord } from '../../src/connectors/odoo/sources/pickings.ts';
import type { PollSource, Sink } from '../../src/core/connector.ts';
import { odooFulfilment } from '../../src/flows/odoo-fulfilment.ts';
import type { FulfilmentOrder, FulfilmentOrderDocument } from '../../src/model/fulfilment-order.ts';
import { lookWith } from './estate.ts';

const picking = (id: number, state: string, wanted: number, more: Partial<PickingRecord> = {}): PickingRecord => ({
  id,
  name: `WH/OUT/${id}`,
  state,
  rest: null,
  doneAt: state === 'done' ? '2026-11-25T10:00:00Z' : null,
  origin: null,
  carrier: null,
  tracking: null,
  moves: [
    {
      saleLine: 5,
      externalId: 'hub_odoo.order_line_shop_3a_77-12',
      product: 9,
      code: 'WEB-1',
      description: 'Shelf',
      state,
      wanted,
      moved: state === 'done' ? wanted : 0,
    },
  ],
  ...more,
});

const delivery = (...pickings: PickingRecord[]): DeliveryRecord => ({
  id: pickings[0]!.id,
  version: '2026-11-25 10:00:00',
  order: { id: 3, name: 'S00003', reference: '#1003' },
  warehouse: 'WH',
  promisedAt: null,
  shipTo: { name: 'Jane', street: '', city: '', country: 'GB' } as unknown as DeliveryRecord['shipTo'],
  pickings,
});

const parts = {
  from: {} as PollSource<DeliveryRecord>,
  to: { 'fulfilment-order': {} as Sink<typeof FulfilmentOrderDocument> },
};

/** What the warehouse was asked for. */
const asked = {
  id: 'odoo-main:1',
  number: 'WH/OUT/1',
  order: 'shop:77',
  state: 'open',
  lines: [{ id: '5-9', orderLine: '12', sku: 'WEB-1', description: 'Shelf', quantity: '3' }],
};

async function told(record: DeliveryRecord, known = false, ships?: (order: FulfilmentOrder) => boolean) {
  const flow = odooFulfilment({ ...parts, ...(ships ? { ships } : {}) });
  const look = lookWith({
    mappings: { 'odoo-warehouses': { WH: 'central' } },
    documents: known ? { [`fulfilment-order odoo-main:${record.id}`]: asked } : {},
  });
  const { documents } = await flow.translate(record, look);
  const body = documents[0]?.body;
  return body ? { order: body.order, state: body.state, quantity: Number(body.lines[0]!.quantity) } : null;
}

test('a delivery that is read before the order is bound belongs to the order whose lines it has', async () => {
  assert.equal(orderKeyOf('hub_odoo.order_line_shop_3a_77-12'), 'shop:77');
  assert.equal(orderKeyOf('hub_odoo.order_line_shop_3a_77-12_2d_discount'), 'shop:77');
  assert.equal(orderKeyOf('hub_odoo.product_A-1'), null);
  assert.deepEqual(await told(delivery(picking(1, 'assigned', 3))), { order: 'shop:77', state: 'open', quantity: 3 });
});

test('what the warehouse shipped in parts is no change of what it was asked for, and the last part asks for nothing', async () => {
  const [first, rest] = [picking(1, 'done', 2), picking(2, 'assigned', 1, { rest: 1 })];
  assert.deepEqual(await told(delivery(first, rest), true), { order: 'shop:77', state: 'open', quantity: 3 });
  assert.equal(await told(delivery(first, { ...picking(2, 'done', 1), rest: 1 }), true), null);
});

/** What Odoo makes of a move whose line was taken off: cancelled, and of nothing. */
const none = (id: number, more: Partial<PickingRecord> = {}): PickingRecord => {
  const one = picking(id, 'cancel', 0, more);
  return { ...one, moves: one.moves.map((move) => ({ ...move, moved: 0 })) };
};

test('what is no longer ordered is told: less than was asked for where a part has left, nothing where none has', async () => {
  const part = picking(1, 'done', 2);
  const less = { order: 'shop:77', state: 'open', quantity: 2 };
  assert.deepEqual(await told(delivery(part, none(2, { rest: 1 })), true), less);
  assert.deepEqual(await told(delivery(none(1)), true), { ...less, state: 'cancelled', quantity: 3 });
  assert.equal(await told(delivery(none(1))), null, 'nothing to who never heard of it');
  const dropped = { ...part.moves[0]!, state: 'cancel', wanted: 1, moved: 0 };
  const short = { ...part, moves: [part.moves[0]!, dropped] };
  assert.equal(await told(delivery(short), true), null, 'the warehouse itself has closed it');
  const left = { ...part, moves: part.moves.map((move) => ({ ...move, wanted: 3 })) };
  assert.equal(await told(delivery(left), true), null, 'it has closed a line of which a part has left');
});

test('a line that has left whole stays part of what was asked for', async () => {
  const other = { ...picking(2, 'assigned', 4, { rest: 1 }) };
  const rest = { ...other, moves: other.moves.map((move) => ({ ...move, saleLine: 6 })) };
  const flow = odooFulfilment(parts);
  const look = lookWith({
    mappings: { 'odoo-warehouses': { WH: 'central' } },
    documents: { 'fulfilment-order odoo-main:1': asked },
  });
  const { documents } = await flow.translate(delivery(picking(1, 'done', 3), rest), look);
  assert.deepEqual(
    documents[0]!.body.lines.map(({ id, quantity }) => [id, quantity]),
    [
      ['5-9', '3'],
      ['6-9', '4'],
    ],
  );
});

test('a cancelled delivery is taken back where it was told, and is nothing to who never heard of it', async () => {
  assert.deepEqual(await told(delivery(picking(1, 'cancel', 3)), true), {
    order: 'shop:77',
    state: 'cancelled',
    quantity: 3,
  });
  assert.equal(await told(delivery(picking(1, 'cancel', 3))), null);
});

test('a delivery that others ship goes nowhere', async () => {
  assert.equal(await told(delivery(picking(1, 'assigned', 3)), false, ({ order }) => order.startsWith('till:')), null);
});
