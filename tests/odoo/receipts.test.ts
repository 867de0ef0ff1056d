import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { odoo } from '../../src/connectors/odoo/index.ts';
import type { Sink } from '../../src/core/connector.ts';
import type { Receipt, ReceiptDocument } from '../../src/model/receipt.ts';
import { done, faultOf, item, type People, people } from './estate.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

for (const { name, start } of servers)
  describe(`goods received of purchase orders: ${name}`, { concurrency: false }, () => {
    let server: OdooServer;
    let at: People;
    let sink: Sink<typeof ReceiptDocument>;
    let mug = 0;
    let tee = 0;
    let vendor = 0;

    before(async () => {
      server = await start();
      at = await people(server);
      sink = odoo(accessTo(server)).sinks.receipts;
      mug = await at.product('MUG');
      tee = await at.product('TEE');
      vendor = await at.create('res.partner', { name: `Vendor ${at.run}` });
    });
    after(() => server.stop());

    /** A confirmed purchase order: its number and id. */
    const ordered = async (...lines: readonly (readonly [product: number, quantity: number])[]) => {
      const order_line = lines.map(([product_id, product_qty]) => [0, 0, { product_id, product_qty, price_unit: 2 }]);
      const id = await at.create('purchase.order', { partner_id: vendor, order_line });
      await at.call('purchase.order', 'button_confirm', [[id]]);
      const [row] = await at.direct.read('purchase.order', [['id', '=', id]], ['name'], at.cx);
      return { id, number: String(row!.name) };
    };
    const received = (
      number: string,
      reference: string,
      units: Readonly<Record<string, string>>,
      condition: string | null = null,
    ) => {
      const receipt: Receipt = {
        id: `wms-${at.run}:${number}`,
        number,
        reference,
        receivedAt: '2026-11-25T10:00:00Z',
        lines: Object.entries(units).map(([sku, quantity], index) => ({
          id: String(index + 1),
          sku,
          quantity,
          condition,
        })),
      };
      return item(receipt.id, receipt, { 'product:MUG': String(mug), 'product:TEE': String(tee) });
    };
    const deliver = async (...items: ReturnType<typeof received>[]) => sink.deliver(items, at.cx);
    /** Transfers of a purchase order, oldest first: state, and what each product moved or is to move. */
    const transfers = async (id: number) => {
      const rows = await at.direct.read(
        'stock.picking',
        [['purchase_id', '=', id]],
        ['state', 'origin', 'note'],
        at.cx,
      );
      rows.sort((a, b) => (a.id as number) - (b.id as number));
      const moves = await at.direct.read(
        'stock.move',
        [['picking_id', 'in', rows.map((row) => row.id)]],
        ['picking_id', 'product_id', 'quantity', 'product_uom_qty', 'state'],
        at.cx,
      );
      return rows.map((row) => [
        row.state,
        moves
          .filter((move) => (move.picking_id as [number])[0] === row.id)
          .map((move) => [
            (move.product_id as [number])[0] === mug ? 'MUG' : 'TEE',
            row.state === 'done' ? move.quantity : move.product_uom_qty,
          ])
          .sort(),
      ]);
    };
    const receivedOf = async (id: number) =>
      (await at.direct.read('purchase.order.line', [['order_id', '=', id]], ['qty_received'], at.cx))
        .sort((a, b) => (a.id as number) - (b.id as number))
        .map(({ qty_received }) => qty_received);
    const onHand = async (product: number): Promise<number> => {
      const [row] = await at.direct.read('product.product', [['id', '=', product]], ['qty_available'], at.cx);
      return Number(row!.qty_available);
    };

    test('all of it is received at once, and once', async () => {
      const { id, number } = await ordered([mug, 10], [tee, 5]);
      const before = await onHand(mug);
      const receipt = received('A1', number, { MUG: '10', TEE: '5' });
      assert.deepEqual(await sink.find!([receipt], at.cx), [{ found: 'absent' }]);
      const [first] = await deliver(receipt);
      assert.deepEqual(await transfers(id), [
        [
          'done',
          [
            ['MUG', 10],
            ['TEE', 5],
          ],
        ],
      ]);
      const [again] = await deliver(receipt);
      assert.equal(done(again).id, done(first).id);
      assert.deepEqual(await sink.find!([receipt], at.cx), [{ found: 'whole', id: done(first).id }]);
      assert.deepEqual([await receivedOf(id), (await onHand(mug)) - before], [[10, 5], 10]);
    });

    test('a part leaves a backorder, which the rest is received of, and more than was ordered', async () => {
      const { id, number } = await ordered([mug, 10], [tee, 5]);
      done((await deliver(received('B1', number, { MUG: '4' })))[0]);
      assert.deepEqual(await transfers(id), [
        ['done', [['MUG', 4]]],
        [
          'assigned',
          [
            ['MUG', 6],
            ['TEE', 5],
          ],
        ],
      ]);
      done((await deliver(received('B1', number, { MUG: '4' })))[0]);
      assert.deepEqual(await receivedOf(id), [4, 0], 'the backorder bears the same mark, and is not it');
      done((await deliver(received('B2', number, { MUG: '8', TEE: '5' }, 'damaged')))[0]);
      assert.deepEqual(await transfers(id), [
        ['done', [['MUG', 4]]],
        [
          'done',
          [
            ['MUG', 8],
            ['TEE', 5],
          ],
        ],
      ]);
      assert.deepEqual(await receivedOf(id), [12, 5]);
      const [, second] = await at.direct.read('stock.picking', [['purchase_id', '=', id]], ['note', 'origin'], {
        ...at.cx,
      });
      const rows = await at.direct.read('stock.picking', [['purchase_id', '=', id]], ['note'], at.cx);
      assert.ok(
        second !== undefined &&
          rows.some(({ note }) => String(note).includes('received 8 × MUG damaged, 5 × TEE damaged')),
      );
      const nothing = faultOf((await deliver(received('B3', number, { MUG: '1' })))[0]);
      assert.match(nothing.message, /of which Odoo awaits nothing more/);
    });

    test('lines of one product are filled in turn', async () => {
      const { id, number } = await ordered([mug, 1], [mug, 2]);
      done((await deliver(received('C1', number, { MUG: '2' })))[0]);
      assert.deepEqual(await receivedOf(id), [1, 1]);
      done((await deliver(received('C2', number, { MUG: '3' })))[0]);
      assert.deepEqual(await receivedOf(id), [1, 4]);
    });

    test('a step that was taken before the answer was lost is not taken twice', async () => {
      const { id, number } = await ordered([mug, 3]);
      const receipt = received('D1', number, { MUG: '2' });
      const [picking] = await at.direct.read('stock.picking', [['purchase_id', '=', id]], ['name'], at.cx);
      const [move] = await at.direct.read('stock.move', [['picking_id', '=', picking!.id]], ['quantity'], at.cx);
      // Written, and not yet validated.
      await at.write('stock.picking', picking!.id as number, {
        origin: `${number} (${receipt.key})`,
        move_ids: [[1, move!.id, { quantity: 2, picked: true }]],
      });
      done((await deliver(receipt))[0]);
      assert.deepEqual(await receivedOf(id), [2]);
      const all = await Promise.all([deliver(receipt), deliver(receipt)]);
      for (const [result] of all) done(result);
      assert.deepEqual(await receivedOf(id), [2]);
    });

    test('a transfer may be named itself; what nobody knows or ordered, and a correction of what is done, goes to a person', async () => {
      const { id, number } = await ordered([mug, 3]);
      const other = await ordered([tee, 1]);
      const [unknown] = await deliver(received('E1', 'PO-NOBODY', { MUG: '1' }));
      assert.deepEqual(
        [faultOf(unknown).kind, (faultOf(unknown) as { cause?: string }).cause],
        ['rejected', 'unknown-reference'],
      );
      const [strange, good] = await deliver(
        received('E2', number, { MUG: '1', TEE: '1' }),
        received('E3', other.number, { TEE: '1' }),
      );
      assert.equal((faultOf(strange) as { cause?: string }).cause, 'not-ordered');
      done(good);
      assert.deepEqual(await transfers(id), [['assigned', [['MUG', 3]]]]);
      const [picking] = await at.direct.read('stock.picking', [['purchase_id', '=', id]], ['name'], at.cx);
      done((await deliver(received('E4', String(picking!.name), { MUG: '3' })))[0]);
      assert.deepEqual(await receivedOf(id), [3]);
      const [corrected] = await deliver(received('E4', String(picking!.name), { MUG: '2' }));
      assert.equal((faultOf(corrected) as { cause?: string }).cause, 'read-back-quantity');
      const late = await ordered([mug, 1]);
      await at.call('purchase.order', 'button_cancel', [[late.id]]);
      const [cancelled] = await deliver(received('E5', late.number, { MUG: '1' }));
      assert.equal((faultOf(cancelled) as { cause?: string }).cause, 'nothing-to-receive');
    });
  });
