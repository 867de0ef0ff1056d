import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closeReturn, openReturn, refundOrder } from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { moneyOut, type Sold } from '../support/money-out.ts';

/** Minor units that the shop paid back. */
const paidBack = ({ transactions }: Order): number =>
  transactions.filter(({ kind }) => kind === 'REFUND').reduce((sum, { amount }) => sum + Number(amount.shop), 0);

const refundsOf = ({ refunds }: Order): number => refunds.filter(({ transactions }) => transactions.length > 0).length;

const UNIT = 1235;

/** Refunds and returns that are decided in Odoo, and those of the shop's own: judged by the books of both, to the cent. */
for (const version of [18, 19] as const)
  describe(`money and goods go back both ways: simulated Odoo ${version}`, () => {
    test('each once, though lines break and the hub is killed in between: the shop pays what Odoo credits, Odoo has it as paid, and nothing goes round', async (t) => {
      const at = await moneyOut(t, version, 40 + version);
      const sold = await at.sell(10);
      const [credited, brought, kept, goodwill, own, sent, twice, quiet, later, asked] = sold as unknown as readonly [
        Sold,
        Sold,
        Sold,
        Sold,
        Sold,
        Sold,
        Sold,
        Sold,
        Sold,
        Sold,
      ];
      at.storm(0.12);
      await at.credit(credited, 2);
      await at.takeBack(brought, 1);
      await at.credit(brought, 1);
      await at.takeBack(kept, 2);
      const [sale] = await at.at.direct.read(
        'sale.order',
        [['id', '=', goodwill.sale]],
        ['name', 'partner_invoice_id'],
        at.at.cx,
      );
      const note = await at.at.create('account.move', {
        move_type: 'out_refund',
        partner_id: (sale!.partner_invoice_id as [number, string])[0],
        invoice_origin: sale!.name,
        invoice_line_ids: [[0, 0, { name: 'Sorry', quantity: 1, price_unit: 3.33, tax_ids: [[6, 0, []]] }]],
      });
      await at.at.call('account.move', 'action_post', [[note]]);
      const wanted = { lineId: own.order.lines[0]!.id, quantity: 1, restockType: 'NO_RESTOCK' as const };
      refundOrder(at.shop, own.order, [wanted]);
      await at.until('something was paid', () => refundsOf(credited.order) + refundsOf(goodwill.order) > 0);
      await at.kill();
      closeReturn(at.shop, sent.order, openReturn(at.shop, sent.order, sent.order.lines[0]!.id, 2));
      await at.credit(later, 2);
      // The customer announces it in the shop, and people take it back in Odoo.
      openReturn(at.shop, asked.order, asked.order.lines[0]!.id, 2);
      await at.takeBack(asked, 2);
      await at.credit(twice, 1);
      await at.credit(twice, 1);
      await at.until('the second is paid', () => refundsOf(twice.order) > 0 && refundsOf(later.order) > 0);
      // The money has gone back before its goods come.
      await at.takeBack(later, 2);
      await at.kill();

      const expected: readonly (readonly [Sold, number, number])[] = [
        [credited, 1, 2 * UNIT],
        [brought, 1, UNIT],
        [kept, 0, 0],
        [goodwill, 1, 333],
        [own, 1, UNIT],
        [sent, 1, 2 * UNIT],
        [twice, 2, 2 * UNIT],
        [quiet, 0, 0],
        [later, 1, 2 * UNIT],
        [asked, 0, 0],
      ];
      await at.until('the shop has paid all of it', () =>
        expected.every(([{ order }, count, minor]) => refundsOf(order) >= count && paidBack(order) >= minor),
      );
      const notes = async (one: Sold) =>
        one === goodwill
          ? at.at.direct.read(
              'account.move',
              [['id', '=', note]],
              ['state', 'amount_total', 'amount_residual'],
              at.at.cx,
            )
          : at.notesOf(one.sale);
      await at.until('Odoo owes nothing', async () => {
        for (const [one, count] of expected) {
          const all = await notes(one);
          if (all.length < count || all.some(({ amount_residual: left }) => left !== 0)) return false;
        }
        return true;
      });
      await at.until('the goods are back in the shop', () =>
        [brought, kept, later, asked].every(({ order }) => order.returns.some(({ status }) => status === 'CLOSED')),
      );
      at.storm(0);
      await at.quiet();
      for (const [one, count, minor] of expected) {
        const { order } = one;
        assert.equal(refundsOf(order), count, `${order.name} was paid back ${refundsOf(order)} times`);
        assert.equal(paidBack(order), minor, order.name);
        const all = await notes(one);
        assert.equal(all.length, count, `${order.name} has ${all.length} credit notes`);
        const sum = all.reduce((total, { amount_total: amount }) => total + Math.round(Number(amount) * 100), 0);
        assert.equal(sum, minor, order.name);
      }
      assert.deepEqual(
        sold.map(({ order }) => order.returns.map(({ status, lines }) => [status, lines[0]!.quantity])),
        [[], [['CLOSED', 1]], [['CLOSED', 2]], [], [], [['CLOSED', 2]], [], [], [['CLOSED', 2]], [['CLOSED', 2]]],
      );
      const receipts = await at.at.direct.read(
        'stock.picking',
        [
          ['return_id', 'in', sold.map(({ picking }) => picking)],
          ['state', '=', 'done'],
        ],
        ['name'],
        at.at.cx,
      );
      assert.equal(receipts.length, 5, 'four that people took back, one that the shop told');
      const paid = await at.at.direct.read(
        'account.payment',
        [['payment_type', '=', 'outbound']],
        ['amount', 'memo'],
        at.at.cx,
      );
      assert.equal(new Set(paid.map(({ memo }) => memo)).size, paid.length);
      const out = paid.reduce((sum, { amount }) => sum + Math.round(Number(amount) * 100), 0);
      assert.equal(
        out,
        expected.reduce((sum, [, , minor]) => sum + minor, 0),
      );
      assert.deepEqual(await at.exceptions(), []);
      await at.posted();
    });

    test('a credit note that is reset after the shop was told is a question to a person, which posting it again answers', async (t) => {
      const at = await moneyOut(t, version, 60 + version);
      const [one] = await at.sell(1);
      const note = await at.credit(one!, 1);
      await at.until('Odoo owes nothing', async () =>
        (await at.notesOf(one!.sale)).every(({ amount_residual: left }) => left === 0),
      );
      await at.at.call('account.move', 'button_draft', [[note]]);
      await at.until('somebody is asked', async () => (await at.exceptions()).length > 0);
      const [asked] = await at.exceptions();
      assert.equal(asked!.cause, 'credit-note-taken-back');
      assert.match(
        asked!.message,
        /of order #1001 was reset to draft in Odoo after the shop was told to pay back 12\.35 GBP/,
      );
      await at.posted();
      await at.at.call('account.move', 'action_post', [[note]]);
      await at.until('nobody is asked any more', async () => (await at.exceptions()).length === 0);
      await at.posted();
      assert.equal(paidBack(one!.order), UNIT);
    });
  });
