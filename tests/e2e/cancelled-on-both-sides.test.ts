import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cancelOrder, payRest, refundOrder } from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { moneyOut, type Sold } from '../support/money-out.ts';

const PAID = 3 * 1235;

/** Minor units that the shop paid back. */
const paidBack = ({ transactions }: Order): number =>
  transactions.filter(({ kind }) => kind === 'REFUND').reduce((sum, { amount }) => sum + Number(amount.shop), 0);

/** An order that the shop gives up and pays back (nobody collected it, say) while people in Odoo cancel it and credit what was paid. */
for (const version of [18, 19] as const)
  describe(`an order is cancelled on both sides: simulated Odoo ${version}`, () => {
    test('the money goes back once, whoever was first, though lines break: what the other decided on is a question', async (t) => {
      const at = await moneyOut(t, version, 80 + version);
      const [shopFirst, booksFirst, atOnce, byHand, early] = (await at.buy(5)) as [Sold, Sold, Sold, Sold, Sold];
      const [unpaid] = (await at.buy(1, { paid: false })) as [Sold];
      const all = [shopFirst, booksFirst, atOnce, byHand, early, unpaid];
      const cancelInOdoo = ({ sale }: Sold) =>
        at.at.call('sale.order', 'action_cancel', [[sale]], { disable_cancel_warning: true });
      const stateOf = async ({ sale }: Sold) =>
        (await at.at.direct.read('sale.order', [['id', '=', sale]], ['state'], at.at.cx))[0]!.state;
      const credited = async ({ sale }: Sold): Promise<number> =>
        (await at.notesOf(sale)).filter(({ state }) => state === 'posted').length;
      const paidOut = async (): Promise<number> => {
        const out = [['payment_type', '=', 'outbound']];
        const payments = await at.at.direct.read('account.payment', out, ['amount', 'memo'], at.at.cx);
        assert.equal(new Set(payments.map(({ memo }) => memo)).size, payments.length);
        return payments.reduce((sum, { amount }) => sum + Math.round(Number(amount) * 100), 0);
      };
      at.storm(0.12);

      cancelOrder(at.shop, shopFirst.order);
      await cancelInOdoo(booksFirst);
      await at.credit(booksFirst, 3);
      await at.credit(atOnce, 3);
      await Promise.all([cancelInOdoo(atOnce), cancelOrder(at.shop, atOnce.order)]);
      await cancelInOdoo(byHand);
      await at.credit(early, 3);
      payRest(at.shop, unpaid.order);
      cancelOrder(at.shop, unpaid.order);
      await cancelInOdoo(unpaid);
      await at.until('each side has heard of the other', async () => {
        const states = await Promise.all(all.filter((one) => one !== early).map(stateOf));
        return (
          states.every((state) => state === 'cancel') &&
          [booksFirst, byHand].every(({ order }) => order.cancelledAt !== null) &&
          [booksFirst, early].every(({ order }) => paidBack(order) === PAID) &&
          (await credited(shopFirst)) === 1
        );
      });
      await at.kill();
      await at.credit(shopFirst, 3);
      // The shop sees an order that is cancelled and not paid back.
      refundOrder(at.shop, byHand.order, [], { money: BigInt(PAID) });
      await at.until('it is in the books', async () => (await credited(byHand)) === 1);
      await at.credit(byHand, 3);
      cancelOrder(at.shop, early.order);

      const askedFor = async ({ order }: Sold) =>
        (await at.exceptions()).filter(({ message }) => message.includes(order.name)).map(({ cause }) => cause);
      await at.until('somebody is asked', async () =>
        (await Promise.all([shopFirst, byHand].map(askedFor))).every(({ length }) => length > 0),
      );
      await at.until('all that was paid back is in the books', async () => (await paidOut()) === all.length * PAID);
      at.storm(0);
      await at.quiet();
      assert.deepEqual(
        all.map(({ order }) => paidBack(order)),
        all.map(() => PAID),
      );
      assert.equal(await paidOut(), all.length * PAID);
      assert.deepEqual(await Promise.all([shopFirst, booksFirst, byHand, early, unpaid].map(askedFor)), [
        ['paid-there'],
        [],
        ['paid-there'],
        [],
        [],
      ]);
      // The credit note came first, or the shop did.
      const asked = await askedFor(atOnce);
      assert.ok(asked.length === 0 || asked.join() === 'paid-there', asked.join());
      await at.posted();
    });
  });
